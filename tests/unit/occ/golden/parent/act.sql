CREATE OR REPLACE FUNCTION pg_occ_<public>_own.act_<parent>(occ_con oid, occ_side "char", occ_key text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
BEGIN
    IF occ_con = <child_up_fkey> AND occ_side = 'd' THEN
        DELETE FROM pg_occ_<public>."child" c WHERE c."up" = occ_key[1]::integer;
    ELSIF occ_con = <child_up_fkey> AND occ_side = 'u' THEN
        UPDATE pg_occ_<public>."child" c SET "up" = NULL WHERE c."up" = occ_key[1]::integer;
    END IF;
END$function$
