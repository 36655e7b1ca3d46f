CREATE OR REPLACE FUNCTION pg_occ_<public>.refuse(r pg_occ_<public>.parent)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO pg_occ_<public>_own."parent" (occ_xid, occ_op, occ_head, "id") VALUES ('0', 'I', false, r."id");
    RETURN NULL;
END$function$
