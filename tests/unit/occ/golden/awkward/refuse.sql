CREATE OR REPLACE FUNCTION pg_occ_<public>.refuse(r pg_occ_<public>.awkward)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO pg_occ_<public>_own."awkward" (occ_xid, occ_op, occ_head, "by", "a, b", "{own}") VALUES ('0', 'I', false, coalesce(r."by", nextval(<awkward_by_seq>::oid::regclass)), r."a, b", r."{own}");
    RETURN NULL;
END$function$
