-- What COMMIT asks of rows and their rivals, and what it leaves behind for later.

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
    size_limit bigint := current_setting('@SIZE_LIMIT_SETTING@')::bigint;
BEGIN
    IF total > size_limit THEN
        PERFORM occ.raise_size_limit(total, size_limit);
    END IF;
    PERFORM set_config('occ.size', total::text, true);
END $$;

-- How often each column of a table stands in it and its indexes, and last what the indexes' rows take besides.
CREATE OR REPLACE FUNCTION occ.index_weights(rel oid) RETURNS int[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT 1 + (SELECT count(*)::int FROM pg_index x
                              WHERE x.indrelid = rel AND NOT x.indisprimary AND num = ANY (x.indkey::int2[]))
                   FROM unnest(occ.columns(rel)) WITH ORDINALITY c (num, n) ORDER BY n)
           || (SELECT coalesce(sum(16 + CASE WHEN 0 = ANY (x.indkey::int2[]) THEN 8 ELSE 0 END), 0)::int
                 FROM pg_index x WHERE x.indrelid = rel AND NOT x.indisprimary)
$$;

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
        PERFORM pg_advisory_xact_lock(@LOCK@);
        EXECUTE format('DELETE FROM %s WHERE ctid = ANY ($1) AND occ_at < $2', ledger) USING spots, horizon;
        GET DIAGNOSTICS removed = ROW_COUNT;
        RETURN removed;
    END LOOP;
    RETURN 0;
END $$;
