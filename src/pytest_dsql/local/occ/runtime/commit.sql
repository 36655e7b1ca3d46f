-- COMMIT: one deferred trigger a table and transaction carries the overlay over to the table. The overlay's rows stay
-- behind, where nobody will look for them: to delete them here would be one more statement for each transaction.

-- A row header keeps 32 bits of a transaction's id; the rest is that of the nearest id to one's own.
CREATE OR REPLACE FUNCTION occ.full_xid(short xid) RETURNS xid8 LANGUAGE plpgsql AS $$
DECLARE
    mine bigint := pg_current_xact_id()::text::bigint;
    ahead bigint := (short::text::bigint - mine % 4294967296 + 4294967296) % 4294967296;
BEGIN
    RETURN (mine + CASE WHEN ahead >= 2147483648 THEN ahead - 4294967296 ELSE ahead END)::text::xid8;
END $$;

-- Whether a key-share lock in a row's header is that of a rival: committed, and not seen by my snapshot. It is all
-- that is left of a key share in a table without a primary key, the others have a ledger.
-- Updates and deletions need no such look, PostgreSQL refuses those itself.
CREATE OR REPLACE FUNCTION occ.is_rival(header_xmax xid) RETURNS boolean LANGUAGE sql AS $$
    SELECT full_ <> pg_current_xact_id() AND NOT pg_visible_in_snapshot(full_, pg_current_snapshot())
       AND pg_xact_status(full_) = 'committed' FROM occ.full_xid(header_xmax) full_
$$;

CREATE OR REPLACE FUNCTION occ.is_committing(header_xmax xid) RETURNS boolean LANGUAGE sql AS $$
    SELECT full_ <> pg_current_xact_id() AND pg_xact_status(full_) = 'in progress' FROM occ.full_xid(header_xmax) full_
$$;

-- Whether a row that my snapshot shows is there still: who set out to delete it did not commit.
CREATE OR REPLACE FUNCTION occ.is_left(header_xmax xid) RETURNS boolean LANGUAGE sql AS $$
    SELECT header_xmax = '0' OR pg_xact_status(occ.full_xid(header_xmax)) IS DISTINCT FROM 'committed'
$$;

CREATE OR REPLACE FUNCTION occ.check_size(bytes bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    total bigint := coalesce(nullif(current_setting('occ.size', true), ''), '0')::bigint + bytes;
    size_limit bigint := current_setting('occ.size_limit')::bigint;
BEGIN
    IF total > size_limit THEN
        PERFORM occ.raise_size_limit(total, size_limit);
    END IF;
    PERFORM set_config('occ.size', total::text, true);
END $$;

-- How often each column of a table stands in it and its indexes, and last what the indexes' rows take besides.
CREATE OR REPLACE FUNCTION occ.index_weights(rel oid) RETURNS int[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT 1 + (SELECT count(*)::int FROM pg_index x WHERE x.indrelid = rel AND NOT x.indisprimary AND num = ANY (x.indkey::int2[]))
                   FROM unnest(occ.columns(rel)) WITH ORDINALITY c (num, n) ORDER BY n)
           || (SELECT coalesce(sum(16 + CASE WHEN 0 = ANY (x.indkey::int2[]) THEN 8 ELSE 0 END), 0)::int
                 FROM pg_index x WHERE x.indrelid = rel AND NOT x.indisprimary)
$$;

-- Transactions that only update rows of one table commit side by side: they take their rows in the order of
-- the overlay's index, so they cannot deadlock. All others commit one at a time. SET CONSTRAINTS must never
-- reach the server: it would fire this trigger in the middle of a transaction.
-- Up to four rows (a state with keys in it is never of more) cannot reach the limit of a transaction, so they are not
-- measured unless the limit was lowered.
CREATE OR REPLACE FUNCTION occ.build_commit(rel oid, t jsonb) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
    update text := CASE WHEN t->>'w_apply' = '' THEN 'PERFORM FROM {own} WHERE '
        ELSE 'UPDATE {base} b SET {w_apply} FROM {own} o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND {o_is_b} AND ' END;
    untouched boolean := t->>'w_apply' = '';
    parts jsonb := t || jsonb_build_object(
        'claim', occ.fill(occ.part_claim((t->>'keyed')::boolean), t),
        'share', occ.fill(occ.part_share((t->>'keyed')::boolean), t),
        'hold', occ.fill(occ.part_hold((t->>'keyed')::boolean), t),
        'update_quick', CASE WHEN untouched THEN occ.fill('PERFORM FROM {own} WHERE false', t)
            ELSE occ.fill('UPDATE {base} b SET {w_apply} FROM {own} o
                WHERE o.occ_xid {eq} pg_catalog.pg_current_xact_id_if_assigned() AND {o_is_b} AND b.xmax {eq} 0', t) END,
        'update_plain', occ.fill(update || CASE WHEN untouched THEN 'false' ELSE 'o.occ_op = ''U'' AND b.xmax = 0' END, t),
        'update_rest', occ.fill(update || CASE WHEN untouched THEN 'false'
            ELSE 'o.occ_op IN (''U'', ''K'') AND b.xmin <> pg_current_xact_id()::xid' END, t));
BEGIN
    -- Everything but plain updates. Deletions go first and insertions last, so that keys can move between rows.
    PERFORM occ.define('{private}.apply_{oid}() RETURNS void', occ.fill($$
BEGIN
    -- A row that a rival is committing right now is lost already; waiting for it could end in a deadlock.
    PERFORM occ.raise_conflict() FROM {own} o JOIN {base} b ON {o_is_b}
      WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('U', 'K') AND b.xmax <> 0 AND occ.is_committing(b.xmax);
    BEGIN
{claim}
        DELETE FROM {base} b USING {own} o
          WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('D', 'R', 'X') AND {o_is_b};
        {update_rest};
        INSERT INTO {base} ({w_cols}) OVERRIDING SYSTEM VALUE
          SELECT {w_o} FROM {own} o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op IN ('I', 'R', 'X');
{share}
    EXCEPTION WHEN serialization_failure OR unique_violation OR foreign_key_violation THEN
        PERFORM occ.raise_conflict();
    END;
{hold}
END $$, parts), t, occ.own_path() || ' SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off');

    -- It runs in the session's search path: to set another would cost more than the rest of it.
    PERFORM occ.define('{private}.commit_{oid}() RETURNS trigger', occ.fill($$
DECLARE
    occ_applied int;
BEGIN
    -- The lock is taken within the condition: one expression is cheaper than two.
    IF pg_catalog.current_setting('occ.state', true) OPERATOR(pg_catalog.~~) '_|{oid}|=%'
       AND pg_catalog.current_setting('occ.size_limit')::pg_catalog.int8 OPERATOR(pg_catalog.>=) 10485760
       AND pg_catalog.pg_advisory_xact_lock_shared(1868784384) IS NOT NULL THEN
        {update_quick};
        GET DIAGNOSTICS occ_applied = ROW_COUNT;
        IF occ_applied OPERATOR(pg_catalog.<>) (pg_catalog.ascii(pg_catalog.current_setting('occ.state')) OPERATOR(pg_catalog.-) 48) THEN
            PERFORM {private}.apply_{oid}();
        END IF;
    ELSE
        PERFORM {private}.settle_{oid}();
    END IF;
    RETURN NULL;
END $$, parts), t, '');

    PERFORM occ.define('{private}.settle_{oid}() RETURNS void', occ.fill($$
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
    occ_lock := CASE WHEN occ_state = occ_rows::text || '|{oid}|' THEN pg_advisory_xact_lock_shared(1868784384)::text
                     ELSE pg_advisory_xact_lock(1868784384)::text END;
    IF occ_rows NOT BETWEEN 0 AND 4 OR current_setting('occ.size_limit')::bigint < 10485760 THEN
        occ_weights := occ.index_weights({oid});
        SELECT sum({size}) INTO occ_bytes FROM {own} o WHERE o.occ_xid = pg_current_xact_id_if_assigned() AND o.occ_op NOT IN ('S', 'X', 'N');
        PERFORM occ.check_size(coalesce(occ_bytes, 0));
    END IF;
    {update_plain};
    GET DIAGNOSTICS occ_applied = ROW_COUNT;
    IF occ_applied <> occ_rows THEN
        SELECT count(*) INTO occ_left FROM {own} o WHERE o.occ_xid = pg_current_xact_id_if_assigned();
        IF occ_left <> occ_applied THEN
            PERFORM {private}.apply_{oid}();
        END IF;
    END IF;
END $$, parts), t);
    PERFORM occ.add_trigger('own', 'occ_commit', $$CREATE CONSTRAINT TRIGGER occ_commit AFTER INSERT ON {own}
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.occ_head) EXECUTE FUNCTION {private}.commit_{oid}();
        ALTER TABLE {own} ENABLE ALWAYS TRIGGER occ_commit$$, t);
END $f$;
