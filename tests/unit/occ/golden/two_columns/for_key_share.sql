CREATE OR REPLACE FUNCTION pg_occ_<public>.for_key_share(r pg_occ_<public>.two_columns)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    IF NOT has_any_column_privilege(session_user, <two_columns>::oid, 'UPDATE') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'permission denied for table two_columns';
    END IF;
    RETURN pg_occ_<public>_own.mark_<two_columns>(r, 'S');
END$function$
