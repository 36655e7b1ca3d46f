CREATE OR REPLACE FUNCTION pg_occ_<public>_own.settle_<accounts>()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    occ_state text;
    occ_lock text;
    occ_rows int;
    occ_applied int;
    occ_left int;
    occ_bytes bigint;
    occ_weights int[];
BEGIN
    IF current_setting('occ.pending', true) = '1' THEN
        PERFORM occ.settle(true);
    END IF;
    occ_state := split_part(coalesce(current_setting('occ.state', true), ''), '=', 1);
    occ_rows := CASE WHEN occ_state = '' OR strpos(occ_state, '!') > 0 THEN -1 ELSE split_part(occ_state, '|', 1)::int END;
    occ_lock := CASE WHEN occ_state = occ_rows::text || '|<accounts>|' THEN pg_advisory_xact_lock_shared(1868784384)::text
                     ELSE pg_advisory_xact_lock(1868784384)::text END;
    IF occ_rows NOT BETWEEN 0 AND 4 OR current_setting('occ.size_limit')::bigint < 10485760 THEN
        occ_weights := occ.index_weights(<accounts>);
        SELECT sum(coalesce(pg_column_size(o."id"), 0) * occ_weights[1] + coalesce(pg_column_size(o."balance"), 0) * occ_weights[2] + 32 + occ_weights[3]) INTO occ_bytes FROM pg_occ_<public>_own."accounts" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op NOT IN ('S', 'X', 'N');
        PERFORM occ.check_size(coalesce(occ_bytes, 0));
    END IF;
    UPDATE "public"."accounts" b SET "balance" = o."balance" FROM pg_occ_<public>_own."accounts" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."id" OPERATOR(pg_catalog.=) b."id" AND o.occ_op = 'U' AND b.xmax = 0;
    GET DIAGNOSTICS occ_applied = ROW_COUNT;
    IF occ_applied <> occ_rows THEN
        SELECT count(*) INTO occ_left FROM pg_occ_<public>_own."accounts" o WHERE o.occ_xid = pg_current_xact_id_if_assigned();
        IF occ_left <> occ_applied THEN
            PERFORM pg_occ_<public>_own.apply_<accounts>();
        END IF;
    END IF;
END$function$
