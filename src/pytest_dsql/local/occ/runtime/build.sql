-- Overlay and view of one table.

-- The four leading columns of an overlay are the engine's (they lead in "Failing row contains" too).
-- `occ_op` tells what becomes of the row at COMMIT:
--   I inserted                 U changed, no key of it       K changed, a partial or expression key of it too
--   R replaced (key changed, or deleted and inserted again)  D deleted
--   X locked FOR UPDATE        S locked FOR KEY SHARE        N inserted and deleted again: nothing
-- `occ_head` marks the first row of a transaction, the one that has the commit trigger fire. `occ_ref` is the
-- committed row, in a table without a primary key.
-- The transaction's id leads, so what others have left behind is never looked at; occ.sweep() takes it away. A
-- transaction that has not written has no id, and NULL ends a scan before it begins.
-- The planner is to use an overlay's index always, from the first statement on, whatever is in there. Pages, which
-- vacuum must not give back, have it look too large to be scanned from end to end; and statistics say that a
-- transaction has one row. Where a column takes no NULL it goes without.
-- Its columns have no domains: what ended transactions have left there is nothing that ALTER DOMAIN may look at.
CREATE OR REPLACE FUNCTION occ.prime(t jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM occ.insert_nothing(t->>'own');
    PERFORM occ.run(occ.fill('ANALYZE {own} (occ_xid); DELETE FROM {own}', t));
    UPDATE pg_class SET reltuples = 0 WHERE oid = occ.relation(t, 'own');
EXCEPTION WHEN OTHERS THEN
    NULL;  -- what users have defined does not take rows without values
END $$;

-- With the rights of the engine's role: to insert a row is to compute what users have defined for it.
CREATE OR REPLACE FUNCTION occ.insert_nothing(own text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM occ.run(format('INSERT INTO %s SELECT g::text::xid8, ''N'', false FROM generate_series(1, 1000) g', own));
END $$;

-- Locks and deletions hold an image that a constraint which is not validated may not accept.
CREATE OR REPLACE FUNCTION occ.overlay_definition(rel oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT occ.shield(concat(
        (SELECT string_agg(format(', %I %s%s%s', attname, occ.base_type(atttypid, atttypmod),
                CASE WHEN attcollation <> typcollation THEN ' COLLATE ' || attcollation::regcollation ELSE '' END,
                CASE WHEN attgenerated <> '' THEN format(' GENERATED ALWAYS AS (%s) STORED', pg_get_expr(adbin, adrelid)) ELSE '' END),
                '' ORDER BY attnum)
           FROM pg_attribute JOIN pg_type y ON y.oid = atttypid
           LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
          WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped),
        (SELECT string_agg(format(', CONSTRAINT %I CHECK (occ_op IN (''D'', ''N'', ''X'', ''S'') OR (%s))', conname,
                                  pg_get_expr(conbin, conrelid)), '' ORDER BY oid)
           FROM pg_constraint WHERE conrelid = rel AND contype = 'c')))
$$;

CREATE OR REPLACE FUNCTION occ.build_overlay(rel oid, t jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM occ.run(occ.fill('CREATE UNLOGGED TABLE {own} (occ_xid xid8, occ_op "char", occ_head boolean, occ_ref tid{columns})
        WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0,
              autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 2000000000,
              autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false)',
        t || jsonb_build_object('columns', occ.overlay_definition(rel))));
    PERFORM occ.prime(t);
    PERFORM occ.run(occ.fill('ALTER TABLE {own} SET (fillfactor = 70), ALTER occ_xid SET NOT NULL, ALTER occ_op SET NOT NULL,
        ALTER occ_head SET NOT NULL', t) || occ.each(rel, ARRAY(SELECT attnum FROM pg_attribute
            WHERE attrelid = rel AND attnum = ANY (occ.columns(rel)) AND attnotnull ORDER BY 1), ', ALTER {c} SET NOT NULL', ''));
    PERFORM occ.run(occ.fill(CASE WHEN (t->>'keyed')::boolean THEN 'CREATE UNIQUE INDEX ON {own} (occ_xid, {pk})'
                                  ELSE 'CREATE INDEX ON {own} (occ_xid, occ_ref)' END, t));
END $$;

-- Constants tell the two parts apart and the condition stands above them, so that the planner can dissolve the view in
-- a query: each part gets what is left of the condition for it, and can be looked up by values of other tables.
-- {o_from_u} follows from {o_is_u}; with it the planner looks up each row instead of hashing what the transaction has
-- written, which would take longer than all the rest for the few rows that most statements read.
-- {u_out} and {b_out} are the columns as occ.layout() has them.
CREATE OR REPLACE FUNCTION occ.view_query(t jsonb, merged boolean) RETURNS text LANGUAGE sql AS $$
    SELECT occ.fill(CASE WHEN merged THEN
        'SELECT {u_out} FROM (
            SELECT false AS occ_mine, NULL::pg_catalog.xid8 AS occ_xid, NULL::"char" AS occ_op{b_ref}, {b_cols} FROM {base} b
             UNION ALL
            SELECT true, o.occ_xid, o.occ_op{o_ref}, {o_cols} FROM {own} o) u
          WHERE NOT u.occ_mine AND (pg_catalog.pg_current_xact_id_if_assigned() IS NULL OR NOT EXISTS (
                    SELECT FROM {own} o WHERE o.occ_xid = pg_catalog.pg_current_xact_id_if_assigned() AND {o_is_u} AND {o_from_u}))
             OR u.occ_mine AND u.occ_xid = pg_catalog.pg_current_xact_id_if_assigned() AND u.occ_op NOT IN (''D'', ''N'')'
        ELSE 'SELECT {b_out} FROM {base} b' END, t)
$$;

-- A row of a view is one of its table, for functions of the user's that take such rows. What he makes may depend on it, so
-- it is kept where nothing is made anew, and goes with the table.
CREATE OR REPLACE FUNCTION occ.build_cast(rel oid, t jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    func oid;
BEGIN
    PERFORM occ.run(occ.fill('CREATE OR REPLACE FUNCTION occ."{oid} row"(r {view}) RETURNS {base} LANGUAGE sql IMMUTABLE AS ', t)
        || occ.shield(quote_literal(occ.bare(occ.fill('SELECT ROW({r_cols})::{base}',
               t || jsonb_build_object('r_cols', occ.each(rel, occ.columns(rel), 'r.{c}', ', ')))))));
    PERFORM occ.run(occ.fill('GRANT EXECUTE ON FUNCTION occ."{oid} row" TO PUBLIC', t));
    func := to_regproc(occ.fill('occ."{oid} row"', t));
    IF NOT EXISTS (SELECT FROM pg_cast WHERE castfunc = func) THEN
        PERFORM occ.run(occ.fill('CREATE CAST ({view} AS {base}) WITH FUNCTION occ."{oid} row"({view}) AS IMPLICIT', t));
    END IF;
    UPDATE pg_depend SET deptype = 'a'
     WHERE refclassid = 'pg_type'::regclass
       AND (classid = 'pg_proc'::regclass AND objid = func
            OR classid = 'pg_cast'::regclass AND objid = (SELECT oid FROM pg_cast WHERE castfunc = func));
END $$;

CREATE OR REPLACE FUNCTION occ.next_identity(seq oid) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_depend WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                      AND objid = seq AND deptype = 'i') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'permission denied for sequence';
    END IF;
    RETURN pg_catalog.nextval(seq::pg_catalog.regclass);
END $$;

-- What a column gets where nothing is given. An identity column GENERATED ALWAYS has no default in the view: its trigger
-- has to tell a value from none.
CREATE OR REPLACE FUNCTION occ.default_of(rel oid, num int2) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE attidentity WHEN 'd' THEN format('occ.next_identity(%s::oid)', pg_get_serial_sequence(rel::regclass::text, attname)::regclass::oid)
                            ELSE pg_get_expr(adbin, adrelid) END
      FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = rel AND attnum = num
$$;

CREATE OR REPLACE FUNCTION occ.mirror_defaults(rel oid, t jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    changes text;
BEGIN
    SELECT string_agg(format('ALTER %I ', c.attname) || coalesce('SET DEFAULT ' || c.expression, 'DROP DEFAULT'), ', ') INTO changes
      FROM (SELECT a.attname, v.atthasdef, CASE a.attgenerated WHEN '' THEN occ.default_of(rel, a.attnum) END AS expression
              FROM pg_attribute a JOIN pg_attribute v ON v.attrelid = occ.relation(t, 'view') AND v.attname = a.attname
             WHERE a.attrelid = rel AND a.attnum > 0 AND NOT a.attisdropped) c
     WHERE c.expression IS NOT NULL OR c.atthasdef;
    IF changes IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s %s', occ.bare(t->>'view'), changes);
    END IF;
    -- What a default calls, the table's own holds; the view's goes with it.
    UPDATE pg_depend d SET deptype = 'a' FROM pg_attrdef a
     WHERE a.adrelid = occ.relation(t, 'view') AND d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid AND d.deptype = 'n';
END $$;

-- Takes away what ended transactions have left in an overlay, which is all that can be seen of it from outside; returns
-- how many rows. Who changes the schema just now is not waited for: the next time will do. To be called by itself.
CREATE OR REPLACE FUNCTION occ.sweep(own oid) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    overlay text := (SELECT oid::regclass FROM pg_class WHERE oid = own);
    removed bigint := 0;
BEGIN
    IF overlay IS NOT NULL THEN
        EXECUTE format('LOCK TABLE %s IN ROW EXCLUSIVE MODE NOWAIT', overlay);
        EXECUTE format('DELETE FROM %s', overlay);
        GET DIAGNOSTICS removed = ROW_COUNT;
    END IF;
    RETURN removed;
EXCEPTION WHEN lock_not_available OR undefined_table THEN
    RETURN 0;
END $$;

-- Overlays that hold at least so many rows, as far as PostgreSQL's statistics know.
CREATE OR REPLACE FUNCTION occ.littered(rows bigint) RETURNS SETOF oid LANGUAGE sql STABLE AS $$
    SELECT own FROM occ.shadowed WHERE pg_stat_get_live_tuples(own) >= littered.rows
$$;
