CREATE OR REPLACE FUNCTION pg_occ_<public>.refuse(r pg_occ_<public>.unique_keys)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO pg_occ_<public>_own."unique_keys" (occ_xid, occ_op, occ_head, "id", "mail", "live", "n") VALUES ('0', 'I', false, r."id", r."mail", r."live", r."n");
    RETURN NULL;
END$function$
