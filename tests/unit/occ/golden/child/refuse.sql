CREATE OR REPLACE FUNCTION pg_occ_<public>.refuse(r pg_occ_<public>.child)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO pg_occ_<public>_own."child" (occ_xid, occ_op, occ_head, "id", "up") VALUES ('0', 'I', false, r."id", r."up");
    RETURN NULL;
END$function$
