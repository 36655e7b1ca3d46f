-- What transactions leave behind of a key for rivals with an older snapshot, where the rows themselves tell nothing.

-- `keys` has the keys of late deletions: an insertion of such a key must learn of an insertion and deletion that it
-- cannot see. `shares` has the keys that committed transactions held FOR KEY SHARE, one row for each session.
-- PostgreSQL's own checks are what looks past a snapshot: a unique index for `keys`; for `shares` a foreign key that
-- nobody has to fulfil, as only its parent's side is enabled: to delete a row of `keys`, put there to that end with
-- `occ_probe` set, is refused as long as shares of the key are left. No crash needs these tables; they are logged all the
-- same, since unlogged ones take longer to create.
CREATE OR REPLACE FUNCTION occ.build_ledger(t jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM occ.run(occ.fill('CREATE TABLE {keys} AS SELECT {pk}, false AS occ_probe, now() AS occ_at FROM {own} WITH NO DATA;
        CREATE UNIQUE INDEX ON {keys} ({pk}, occ_probe);
        CREATE TABLE {shares} AS SELECT {pk}, true AS occ_probe, 0 AS occ_pid, now() AS occ_at FROM {own} WITH NO DATA;
        CREATE UNIQUE INDEX ON {shares} ({pk}, occ_pid);
        ALTER TABLE {shares} ADD FOREIGN KEY ({pk}, occ_probe) REFERENCES {keys} ({pk}, occ_probe) ON DELETE RESTRICT NOT VALID', t));
    UPDATE pg_trigger SET tgenabled = CASE tgrelid WHEN to_regclass(t->>'keys') THEN 'A'::"char" ELSE 'D' END
     WHERE tgrelid IN (to_regclass(t->>'keys'), to_regclass(t->>'shares'));
    -- Has sessions read the triggers again.
    UPDATE pg_class SET relhastriggers = true WHERE oid IN (to_regclass(t->>'keys'), to_regclass(t->>'shares'));
    PERFORM occ.tie('pg_class', to_regclass(t->>'keys')::oid, 'pg_class', occ.relation(t, 'own')),
            occ.tie('pg_class', to_regclass(t->>'shares')::oid, 'pg_class', occ.relation(t, 'own'));
END $$;

-- Before rows go and come. A ledger without a page has never had a row: its size is no matter of snapshots.
-- Of the shares that I see, those that occ.purge() has removed meanwhile must not be touched.
CREATE OR REPLACE FUNCTION occ.part_claim(keyed boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $t$
SELECT CASE WHEN keyed THEN $$
        INSERT INTO {keys} ({pk}, occ_probe, occ_at)
          SELECT {o_pk}, false, clock_timestamp() FROM {own} o WHERE o.occ_xid = pg_current_xact_id_if_assigned()
             AND (o.occ_op = 'D' OR o.occ_op = 'I' AND (SELECT pg_relation_size('{keys}') > 0))
          ON CONFLICT ({pk}, occ_probe) DO UPDATE SET occ_at = excluded.occ_at;
        IF pg_relation_size('{shares}') > 0 THEN
            DELETE FROM {shares} b USING {own} o
              WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X') AND {o_is_b} AND occ.is_left(b.xmax);
            INSERT INTO {keys} ({pk}, occ_probe)
              SELECT {o_pk}, true FROM {own} o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X');
            DELETE FROM {keys} b USING {own} o
              WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X') AND {o_is_b} AND b.occ_probe;
        END IF;
$$ ELSE $$
        PERFORM occ.raise_conflict() FROM {own} o JOIN {base} b ON {o_is_b}
          WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X') AND b.xmax <> 0 AND occ.is_rival(b.xmax);
$$ END $t$;

-- A row with a fresh header is as I see it. Another is locked to find out. The upsert in two steps leaves the new row
-- a fresh header, which DO UPDATE would not.
CREATE OR REPLACE FUNCTION occ.part_share(keyed boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $t$
SELECT CASE WHEN keyed THEN $$
        IF EXISTS (SELECT FROM {own} o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S') THEN
            PERFORM FROM {base} b WHERE b.ctid = ANY (ARRAY(SELECT b.ctid FROM {own} o JOIN {base} b ON {o_is_b}
              WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S' AND b.xmax <> 0)) FOR KEY SHARE;
            UPDATE {shares} b SET occ_at = clock_timestamp() FROM {own} o
             WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S' AND {o_is_b} AND b.occ_pid = pg_backend_pid() AND occ.is_left(b.xmax);
            INSERT INTO {shares} ({pk}, occ_probe, occ_pid, occ_at)
              SELECT {o_pk}, true, pg_backend_pid(), clock_timestamp() FROM {own} o
               WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S' ON CONFLICT DO NOTHING;
        END IF;
$$ ELSE '' END $t$;

-- Without a ledger a key share must carry the transaction's own id, not a subtransaction's: where its row has
-- no fresh header it is tried first and taken after.
CREATE OR REPLACE FUNCTION occ.part_hold(keyed boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $t$
SELECT CASE WHEN keyed THEN '' ELSE $$
    IF EXISTS (SELECT FROM {own} o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S') THEN
        BEGIN
            PERFORM FROM {base} b WHERE b.ctid = ANY (ARRAY(SELECT b.ctid FROM {own} o JOIN {base} b ON {o_is_b}
              WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S' AND b.xmax <> 0)) FOR KEY SHARE;
            RAISE SQLSTATE 'OCCOK';
        EXCEPTION WHEN serialization_failure THEN
            PERFORM occ.raise_conflict();
        WHEN SQLSTATE 'OCCOK' THEN
            NULL;
        END;
        PERFORM FROM {base} b WHERE b.ctid = ANY (ARRAY(SELECT b.ctid FROM {own} o JOIN {base} b ON {o_is_b}
          WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op = 'S')) FOR KEY SHARE;
    END IF;
$$ END $t$;

-- Removes what no running transaction can ask for any more: up to `batch` rows of one table, for commits wait
-- meanwhile. Returns how many; there may be more as long as that is not 0. To be called in READ COMMITTED, by itself.
CREATE OR REPLACE FUNCTION occ.purge(batch int DEFAULT 10000) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    ledger regclass;
    horizon timestamptz := (SELECT least(now(), min(xact_start)) - interval '15 minutes'
                              FROM pg_stat_activity WHERE datname = current_database());
    spots tid[];
    removed bigint;
BEGIN
    FOR ledger IN SELECT to_regclass(format('pg_occ_%s_own.%I', c.relnamespace, format('%s %s', c.oid, kind)))
                    FROM occ.shadowed JOIN pg_class c ON c.oid = base, unnest(ARRAY['keys', 'shares']) kind LOOP
        CONTINUE WHEN ledger IS NULL OR pg_relation_size(ledger) = 0;
        EXECUTE format('SELECT array_agg(ctid) FROM (SELECT ctid FROM %s WHERE occ_at < $1 LIMIT $2) old', ledger)
           INTO spots USING horizon, batch;
        CONTINUE WHEN spots IS NULL;
        PERFORM pg_advisory_xact_lock(1868784384);
        EXECUTE format('DELETE FROM %s WHERE ctid = ANY ($1) AND occ_at < $2', ledger) USING spots, horizon;
        GET DIAGNOSTICS removed = ROW_COUNT;
        RETURN removed;
    END LOOP;
    RETURN 0;
END $$;
