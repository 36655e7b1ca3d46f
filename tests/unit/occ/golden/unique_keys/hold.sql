CREATE OR REPLACE FUNCTION pg_occ_<public>_own.hold_<unique_keys>(text[], "char")
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM pg_occ_<public>_own.mark_<unique_keys>(v.*, $2) FROM pg_occ_<public>."unique_keys" v WHERE v."id" = $1[1]::integer;
    RETURN NULL;
END$function$
