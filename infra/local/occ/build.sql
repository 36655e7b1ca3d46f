-- Overlay and view of one table.

-- The four leading columns of an overlay are the engine's (they lead in "Failing row contains" too).
-- `occ_op` tells what becomes of the row at COMMIT:
--   I inserted                 U changed, no key of it       K changed, a partial or expression key of it too
--   R replaced (key changed, or deleted and inserted again)  D deleted
--   X locked FOR UPDATE        S locked FOR KEY SHARE        N inserted and deleted again: nothing
-- `occ_head` marks the first row of a transaction, the one that has the commit trigger fire. `occ_ref` is the
-- committed row, in a table without a primary key.
-- Rows of other transactions are never visible; the backend's pid leads the index only so that a scan does
-- not walk their dead entries.
CREATE OR REPLACE FUNCTION occ.build_overlay(t jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    EXECUTE occ.fill('CREATE UNLOGGED TABLE {own} (occ_pid int NOT NULL, occ_op "char" NOT NULL, occ_head boolean NOT NULL, occ_ref tid)
        WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0,
              autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 2000000000,
              autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false)', t);
    -- An overlay looks empty to the planner, who would then scan it from end to end. Some pages, which vacuum
    -- must not give back, have it use the index always.
    EXECUTE occ.fill('INSERT INTO {own} SELECT 0, ''N'', false FROM generate_series(1, 1000); DELETE FROM {own}', t);
    EXECUTE occ.fill('ALTER TABLE {own} SET (fillfactor = 70)', t) || (
        SELECT coalesce(string_agg(format(', ADD COLUMN %I %s%s%s%s', attname, format_type(atttypid, atttypmod),
                CASE WHEN attcollation <> typcollation THEN ' COLLATE ' || attcollation::regcollation ELSE '' END,
                CASE WHEN attgenerated <> '' THEN format(' GENERATED ALWAYS AS (%s) STORED', pg_get_expr(adbin, adrelid)) ELSE '' END,
                CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END), '' ORDER BY attnum), '')
          FROM pg_attribute JOIN pg_type y ON y.oid = atttypid
          LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
         WHERE attrelid = (t->>'oid')::oid AND attnum > 0 AND NOT attisdropped);
    EXECUTE occ.fill(CASE WHEN (t->>'keyed')::boolean THEN 'CREATE UNIQUE INDEX ON {own} (occ_pid, {pk})'
                          ELSE 'CREATE INDEX ON {own} (occ_pid, occ_ref)' END, t);
    -- Locks and deletions hold an image that a constraint which is not validated may not accept.
    FOR c IN SELECT conname, pg_get_expr(conbin, conrelid) AS expression
               FROM pg_constraint WHERE conrelid = (t->>'oid')::oid AND contype = 'c' LOOP
        EXECUTE occ.fill('ALTER TABLE {own} ADD CONSTRAINT ', t)
            || format('%I CHECK (occ_op IN (''D'', ''N'', ''X'', ''S'') OR (%s))', c.conname, c.expression);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION occ.view_query(t jsonb, merged boolean) RETURNS text LANGUAGE sql AS $$
    SELECT occ.fill(CASE WHEN merged THEN
        'SELECT {b_cols} FROM {base} b
          WHERE NOT EXISTS (SELECT FROM {own} o WHERE o.occ_pid = pg_catalog.pg_backend_pid() AND {o_is_b})
         UNION ALL
         SELECT {o_cols} FROM {own} o
          WHERE o.occ_pid = pg_catalog.pg_backend_pid() AND o.occ_op NOT IN (''D'', ''N'')'
        ELSE 'SELECT {b_cols} FROM {base} b' END, t)
$$;

CREATE OR REPLACE FUNCTION occ.next_identity(seq oid) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_depend WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                      AND objid = seq AND deptype = 'i') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'permission denied for sequence';
    END IF;
    RETURN pg_catalog.nextval(seq::pg_catalog.regclass);
END $$;

-- An identity column GENERATED ALWAYS has no default in the view: its trigger has to tell a value from none.
CREATE OR REPLACE FUNCTION occ.mirror_defaults(rel oid, t jsonb, views text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c record;
    v text;
BEGIN
    FOR c IN SELECT a.attname, CASE
                      WHEN a.attidentity = 'd' THEN format('occ.next_identity(%s::oid)',
                           pg_get_serial_sequence(t->>'base', a.attname)::regclass::oid)
                      WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS expression
               FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
              WHERE a.attrelid = rel AND a.attnum > 0 AND NOT a.attisdropped LOOP
        FOREACH v IN ARRAY views LOOP
            EXECUTE format('ALTER VIEW %s ALTER COLUMN %I ', v, c.attname)
                || coalesce('SET DEFAULT ' || c.expression, 'DROP DEFAULT');
        END LOOP;
    END LOOP;
END $$;
