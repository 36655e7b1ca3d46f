CREATE OR REPLACE FUNCTION pg_occ_<public>.refuse(r pg_occ_<public>.accounts)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO pg_occ_<public>_own."accounts" (occ_xid, occ_op, occ_head, "id", "balance") VALUES ('0', 'I', false, r."id", r."balance");
    RETURN NULL;
END$function$
