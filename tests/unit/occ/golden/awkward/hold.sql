CREATE OR REPLACE FUNCTION pg_occ_<public>_own.hold_<awkward>(text[], "char")
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM pg_occ_<public>_own.mark_<awkward>(v.*, $2) FROM pg_occ_<public>."awkward" v WHERE v."a, b" = $1[1]::text;
    RETURN NULL;
END$function$
