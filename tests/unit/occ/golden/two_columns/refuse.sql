CREATE OR REPLACE FUNCTION pg_occ_<public>.refuse(r pg_occ_<public>.two_columns)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO pg_occ_<public>_own."two_columns" (occ_xid, occ_op, occ_head, "a", "b", "v") VALUES ('0', 'I', false, r."a", r."b", r."v");
    RETURN NULL;
END$function$
