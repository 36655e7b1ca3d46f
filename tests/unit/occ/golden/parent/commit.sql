CREATE OR REPLACE FUNCTION pg_occ_<public>_own.commit_<parent>()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
AS $function$
DECLARE
    occ_applied int;
BEGIN
    -- The lock is taken within the condition: one expression is cheaper than two.
    IF pg_catalog.current_setting('occ.state', true) OPERATOR(pg_catalog.~~) '_|<parent>|=%'
       AND pg_catalog.current_setting('occ.size_limit')::pg_catalog.int8 OPERATOR(pg_catalog.>=) 10485760
       AND pg_catalog.pg_advisory_xact_lock_shared(1868784384) IS NOT NULL THEN
        PERFORM FROM pg_occ_<public>_own."parent" WHERE false;
        GET DIAGNOSTICS occ_applied = ROW_COUNT;
        IF occ_applied OPERATOR(pg_catalog.<>) (pg_catalog.ascii(pg_catalog.current_setting('occ.state')) OPERATOR(pg_catalog.-) 48) THEN
            PERFORM pg_occ_<public>_own.apply_<parent>();
        END IF;
    ELSE
        PERFORM pg_occ_<public>_own.settle_<parent>();
    END IF;
    RETURN NULL;
END$function$
