CREATE OR REPLACE FUNCTION pg_occ_<public>_own.hold_<parent>(text[], "char")
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM pg_occ_<public>_own.mark_<parent>(v.*, $2) FROM pg_occ_<public>."parent" v WHERE v."id" = $1[1]::integer;
    RETURN NULL;
END$function$
