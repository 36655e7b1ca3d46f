CREATE OR REPLACE FUNCTION pg_occ_<public>_own.hold_<accounts>(text[], "char")
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM pg_occ_<public>_own.mark_<accounts>(v.*, $2) FROM pg_occ_<public>."accounts" v WHERE v."id" = $1[1]::integer;
    RETURN NULL;
END$function$
