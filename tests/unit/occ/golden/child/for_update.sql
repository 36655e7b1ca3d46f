CREATE OR REPLACE FUNCTION pg_occ_<public>.for_update(r pg_occ_<public>.child)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    IF NOT has_any_column_privilege(session_user, <child>::oid, 'UPDATE') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'permission denied for table child';
    END IF;
    RETURN pg_occ_<public>_own.mark_<child>(r, 'X');
END$function$
