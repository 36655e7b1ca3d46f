CREATE OR REPLACE FUNCTION pg_occ_<public>.refuse(r pg_occ_<public>.no_key)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO pg_occ_<public>_own."no_key" (occ_xid, occ_op, occ_head, "a", "b") VALUES ('0', 'I', false, r."a", r."b");
    RETURN NULL;
END$function$
