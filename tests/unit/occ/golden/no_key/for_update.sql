CREATE OR REPLACE FUNCTION pg_occ_<public>.for_update(r pg_occ_<public>.no_key)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    IF NOT has_any_column_privilege(session_user, <no_key>::oid, 'UPDATE') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'permission denied for table no_key';
    END IF;
    RETURN pg_occ_<public>_own.mark_<no_key>(r, 'X');
END$function$
