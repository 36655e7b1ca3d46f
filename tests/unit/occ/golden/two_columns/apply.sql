CREATE OR REPLACE FUNCTION pg_occ_<public>_own.apply_<two_columns>()
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
    PERFORM occ.raise_conflict() FROM pg_occ_<public>_own."two_columns" o JOIN "public"."two_columns" b ON o."a" OPERATOR(pg_catalog.=) b."a" AND o."b" OPERATOR(pg_catalog.=) b."b"
      WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('U', 'K') AND b.xmax <> 0 AND occ.is_committing(b.xmax);
    BEGIN
        INSERT INTO pg_occ_<public>_own."<two_columns> keys" ("a", "b", occ_probe, occ_at)
          SELECT o."a", o."b", false, clock_timestamp() FROM pg_occ_<public>_own."two_columns" o WHERE o.occ_xid = pg_current_xact_id_if_assigned()
             AND (o.occ_op = 'D' OR o.occ_op = 'I' AND (SELECT pg_relation_size('pg_occ_<public>_own."<two_columns> keys"') > 0))
          ON CONFLICT ("a", "b", occ_probe) DO UPDATE SET occ_at = excluded.occ_at;
        IF pg_relation_size('pg_occ_<public>_own."<two_columns> shares"') > 0 THEN
            DELETE FROM pg_occ_<public>_own."<two_columns> shares" b USING pg_occ_<public>_own."two_columns" o
              WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X') AND o."a" OPERATOR(pg_catalog.=) b."a" AND o."b" OPERATOR(pg_catalog.=) b."b" AND occ.is_left(b.xmax);
            INSERT INTO pg_occ_<public>_own."<two_columns> keys" ("a", "b", occ_probe)
              SELECT o."a", o."b", true FROM pg_occ_<public>_own."two_columns" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X');
            DELETE FROM pg_occ_<public>_own."<two_columns> keys" b USING pg_occ_<public>_own."two_columns" o
              WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X') AND o."a" OPERATOR(pg_catalog.=) b."a" AND o."b" OPERATOR(pg_catalog.=) b."b" AND b.occ_probe;
        END IF;
        DELETE FROM "public"."two_columns" b USING pg_occ_<public>_own."two_columns" o
          WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X') AND o."a" OPERATOR(pg_catalog.=) b."a" AND o."b" OPERATOR(pg_catalog.=) b."b";
        UPDATE "public"."two_columns" b SET "v" = o."v" FROM pg_occ_<public>_own."two_columns" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o."a" OPERATOR(pg_catalog.=) b."a" AND o."b" OPERATOR(pg_catalog.=) b."b" AND o.occ_op IN ('U', 'K') AND b.xmin <> pg_current_xact_id()::xid;
        INSERT INTO "public"."two_columns" ("a", "b", "v") OVERRIDING SYSTEM VALUE
          SELECT o."a", o."b", o."v" FROM pg_occ_<public>_own."two_columns" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('I', 'R', 'X');
        IF EXISTS (SELECT FROM pg_occ_<public>_own."two_columns" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S') THEN
            PERFORM FROM "public"."two_columns" b WHERE b.ctid = ANY (ARRAY(SELECT b.ctid FROM pg_occ_<public>_own."two_columns" o JOIN "public"."two_columns" b ON o."a" OPERATOR(pg_catalog.=) b."a" AND o."b" OPERATOR(pg_catalog.=) b."b"
              WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S' AND b.xmax <> 0)) FOR KEY SHARE;
            UPDATE pg_occ_<public>_own."<two_columns> shares" b SET occ_at = clock_timestamp() FROM pg_occ_<public>_own."two_columns" o
             WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S' AND o."a" OPERATOR(pg_catalog.=) b."a" AND o."b" OPERATOR(pg_catalog.=) b."b" AND b.occ_pid = pg_backend_pid() AND occ.is_left(b.xmax);
            INSERT INTO pg_occ_<public>_own."<two_columns> shares" ("a", "b", occ_probe, occ_pid, occ_at)
              SELECT o."a", o."b", true, pg_backend_pid(), clock_timestamp() FROM pg_occ_<public>_own."two_columns" o
               WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S' ON CONFLICT DO NOTHING;
        END IF;
    EXCEPTION WHEN serialization_failure OR unique_violation OR foreign_key_violation THEN
        PERFORM occ.raise_conflict();
    END;
END$function$
