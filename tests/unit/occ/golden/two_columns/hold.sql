CREATE OR REPLACE FUNCTION pg_occ_<public>_own.hold_<two_columns>(text[], "char")
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM pg_occ_<public>_own.mark_<two_columns>(v.*, $2) FROM pg_occ_<public>."two_columns" v WHERE v."a" = $1[1]::uuid AND v."b" = $1[2]::text;
    RETURN NULL;
END$function$
