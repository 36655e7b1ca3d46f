CREATE OR REPLACE FUNCTION pg_occ_<public>_own.apply_<no_key>()
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
    PERFORM occ.raise_conflict() FROM pg_occ_<public>_own."no_key" o JOIN "public"."no_key" b ON o.occ_ref OPERATOR(pg_catalog.=) b.ctid
      WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('U', 'K') AND b.xmax <> 0 AND occ.is_committing(b.xmax);
    BEGIN
        PERFORM occ.raise_conflict() FROM pg_occ_<public>_own."no_key" o JOIN "public"."no_key" b ON o.occ_ref OPERATOR(pg_catalog.=) b.ctid
          WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X') AND b.xmax <> 0 AND occ.is_rival(b.xmax);
        DELETE FROM "public"."no_key" b USING pg_occ_<public>_own."no_key" o
          WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X') AND o.occ_ref OPERATOR(pg_catalog.=) b.ctid;
        UPDATE "public"."no_key" b SET "a" = o."a", "b" = o."b" FROM pg_occ_<public>_own."no_key" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_ref OPERATOR(pg_catalog.=) b.ctid AND o.occ_op IN ('U', 'K') AND b.xmin <> pg_current_xact_id()::xid;
        INSERT INTO "public"."no_key" ("a", "b") OVERRIDING SYSTEM VALUE
          SELECT o."a", o."b" FROM pg_occ_<public>_own."no_key" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('I', 'R', 'X');
    EXCEPTION WHEN serialization_failure OR unique_violation OR foreign_key_violation THEN
        PERFORM occ.raise_conflict();
    END;
    IF EXISTS (SELECT FROM pg_occ_<public>_own."no_key" o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S') THEN
        BEGIN
            PERFORM FROM "public"."no_key" b WHERE b.ctid = ANY (ARRAY(SELECT b.ctid FROM pg_occ_<public>_own."no_key" o JOIN "public"."no_key" b ON o.occ_ref OPERATOR(pg_catalog.=) b.ctid
              WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S' AND b.xmax <> 0)) FOR KEY SHARE;
            RAISE SQLSTATE 'OCCOK';
        EXCEPTION WHEN serialization_failure THEN
            PERFORM occ.raise_conflict();
        WHEN SQLSTATE 'OCCOK' THEN
            NULL;
        END;
        PERFORM FROM "public"."no_key" b WHERE b.ctid = ANY (ARRAY(SELECT b.ctid FROM pg_occ_<public>_own."no_key" o JOIN "public"."no_key" b ON o.occ_ref OPERATOR(pg_catalog.=) b.ctid
          WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S')) FOR KEY SHARE;
    END IF;
END$function$
