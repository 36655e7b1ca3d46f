CREATE OR REPLACE FUNCTION pg_occ_<public>_own.commit_<unique_keys>()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
AS $function$
DECLARE
    occ_applied int;
BEGIN
    -- The lock is taken within the condition: one expression is cheaper than two.
    IF pg_catalog.current_setting('occ.state', true) OPERATOR(pg_catalog.~~) '_|<unique_keys>|=%'
       AND pg_catalog.current_setting('occ.size_limit')::pg_catalog.int8 OPERATOR(pg_catalog.>=) 10485760
       AND pg_catalog.pg_advisory_xact_lock_shared(1868784384) IS NOT NULL THEN
        UPDATE "public"."unique_keys" b SET "mail" = o."mail", "live" = o."live", "n" = o."n" FROM pg_occ_<public>_own."unique_keys" o
                WHERE o.occ_xid OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id_if_assigned() AND o."id" OPERATOR(pg_catalog.=) b."id" AND b.xmax OPERATOR(pg_catalog.=) 0;
        GET DIAGNOSTICS occ_applied = ROW_COUNT;
        IF occ_applied OPERATOR(pg_catalog.<>) (pg_catalog.ascii(pg_catalog.current_setting('occ.state')) OPERATOR(pg_catalog.-) 48) THEN
            PERFORM pg_occ_<public>_own.apply_<unique_keys>();
        END IF;
    ELSE
        PERFORM pg_occ_<public>_own.settle_<unique_keys>();
    END IF;
    RETURN NULL;
END$function$
