CREATE OR REPLACE FUNCTION pg_occ_<public>_own.apply_<accounts>()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
BEGIN
    -- A row that a rival is committing right now is lost already; waiting for it could end in a deadlock.
    PERFORM occ.raise_conflict() FROM pg_occ_<public>_own."accounts" o JOIN "public"."accounts" b ON o."id" OPERATOR(pg_catalog.=) b."id"
      WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('U', 'K') AND b.xmax <> 0 AND occ.is_committing(b.xmax);
    BEGIN
        INSERT INTO pg_occ_<public>_own."<accounts> keys" ("id", occ_probe, occ_at)
          SELECT o."id", false, clock_timestamp() FROM pg_occ_<public>_own."accounts" o WHERE o.occ_xid = pg_current_xact_id_if_assigned()
             AND (o.occ_op = 'D' OR o.occ_op = 'I' AND (SELECT pg_relation_size('pg_occ_<public>_own."<accounts> keys"') > 0))
          ON CONFLICT ("id", occ_probe) DO UPDATE SET occ_at = excluded.occ_at;
        IF pg_relation_size('pg_occ_<public>_own."<accounts> shares"') > 0 THEN
            DELETE FROM pg_occ_<public>_own."<accounts> shares" b USING pg_occ_<public>_own."accounts" o
              WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X') AND o."id" OPERATOR(pg_catalog.=) b."id" AND occ.is_left(b.xmax);
            INSERT INTO pg_occ_<public>_own."<accounts> keys" ("id", occ_probe)
              SELECT o."id", true FROM pg_occ_<public>_own."accounts" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X');
            DELETE FROM pg_occ_<public>_own."<accounts> keys" b USING pg_occ_<public>_own."accounts" o
              WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X') AND o."id" OPERATOR(pg_catalog.=) b."id" AND b.occ_probe;
        END IF;
        DELETE FROM "public"."accounts" b USING pg_occ_<public>_own."accounts" o
          WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X') AND o."id" OPERATOR(pg_catalog.=) b."id";
        UPDATE "public"."accounts" b SET "balance" = o."balance" FROM pg_occ_<public>_own."accounts" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."id" OPERATOR(pg_catalog.=) b."id" AND o.occ_op IN ('U', 'K') AND b.xmin <> pg_current_xact_id()::xid;
        INSERT INTO "public"."accounts" ("id", "balance") OVERRIDING SYSTEM VALUE
          SELECT o."id", o."balance" FROM pg_occ_<public>_own."accounts" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('I', 'R', 'X');
        IF EXISTS (SELECT FROM pg_occ_<public>_own."accounts" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S') THEN
            PERFORM FROM "public"."accounts" b WHERE b.ctid = ANY (ARRAY(SELECT b.ctid FROM pg_occ_<public>_own."accounts" o JOIN "public"."accounts" b ON o."id" OPERATOR(pg_catalog.=) b."id"
              WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S' AND b.xmax <> 0)) FOR KEY SHARE;
            UPDATE pg_occ_<public>_own."<accounts> shares" b SET occ_at = clock_timestamp() FROM pg_occ_<public>_own."accounts" o
             WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S' AND o."id" OPERATOR(pg_catalog.=) b."id" AND b.occ_pid = pg_backend_pid() AND occ.is_left(b.xmax);
            INSERT INTO pg_occ_<public>_own."<accounts> shares" ("id", occ_probe, occ_pid, occ_at)
              SELECT o."id", true, pg_backend_pid(), clock_timestamp() FROM pg_occ_<public>_own."accounts" o
               WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S' ON CONFLICT DO NOTHING;
        END IF;
    EXCEPTION WHEN serialization_failure OR unique_violation OR foreign_key_violation THEN
        PERFORM occ.raise_conflict();
    END;
END$function$
