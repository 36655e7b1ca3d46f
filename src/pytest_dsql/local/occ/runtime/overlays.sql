-- A setting as it is when a plan is made. To the planner it is a constant, so what depends on it costs a plan that runs
-- nothing; a plan that is kept keeps it.
CREATE OR REPLACE FUNCTION occ.when_planned(name text, missing_ok boolean) RETURNS text
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'show_config_by_name_missing_ok';

-- Overlays and what belongs to them, as PostgreSQL makes and fills them.

-- Pages and statistics that have the planner use the overlay's index.
CREATE OR REPLACE FUNCTION occ.prime(own text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM occ.insert_nothing(own);
    EXECUTE format('ANALYZE %s (occ_xid); DELETE FROM %1$s', own);
    UPDATE pg_class SET reltuples = 0 WHERE oid = to_regclass(own);
EXCEPTION WHEN OTHERS THEN
    NULL;  -- what users have defined does not take rows without values
END $$;

-- With the rights of the engine's role: to insert a row is to compute what users have defined for it.
CREATE OR REPLACE FUNCTION occ.insert_nothing(own text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('INSERT INTO %s SELECT g::text::xid8, ''@NOTHING@'', false FROM generate_series(1, 1000) g', own);
END $$;

-- The columns, without domains: what ended transactions have left there is nothing that ALTER DOMAIN may look at. Locks
-- and deletions hold an image that a constraint which is not validated may not accept.
CREATE OR REPLACE FUNCTION occ.overlay_definition(rel oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat(
        (SELECT string_agg(format(', %I %s%s%s', attname, occ.base_type(atttypid, atttypmod),
                CASE WHEN attcollation <> typcollation THEN ' COLLATE ' || attcollation::regcollation ELSE '' END,
                CASE WHEN attgenerated <> ''
                     THEN format(' GENERATED ALWAYS AS (%s) STORED', pg_get_expr(adbin, adrelid)) ELSE '' END),
                '' ORDER BY attnum)
           FROM pg_attribute JOIN pg_type y ON y.oid = atttypid
           LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
          WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped),
        (SELECT string_agg(format(', CONSTRAINT %I CHECK (occ_op IN %s OR (%s))', conname,
                                  $l$('@DELETED@', '@NOTHING@', '@LOCKED@', '@SHARED@')$l$,
                                  pg_get_expr(conbin, conrelid)), '' ORDER BY oid)
           FROM pg_constraint WHERE conrelid = rel AND contype = 'c'))
$$;

CREATE OR REPLACE FUNCTION occ.build_overlay(slots jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE occ.part('overlay', slots);
    PERFORM occ.prime(slots->>'overlay');
    EXECUTE occ.part('prepared_overlay', slots);
    EXECUTE occ.part('overlay_index', slots);
END $$;

-- The triggers of the foreign key between the ledger's tables: its parent's alone are enabled.
CREATE OR REPLACE FUNCTION occ.build_ledger(slots jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    own regclass := slots->>'overlay';
    keys regclass;
    shares regclass;
BEGIN
    EXECUTE occ.part('ledger', slots);
    keys := slots->>'keys';
    shares := slots->>'shares';
    UPDATE pg_trigger SET tgenabled = CASE tgrelid WHEN keys THEN 'A'::"char" ELSE 'D' END
     WHERE tgrelid IN (keys, shares);
    -- Has sessions read the triggers again.
    UPDATE pg_class SET relhastriggers = true WHERE oid IN (keys, shares);
    PERFORM occ.tie('pg_class', keys, 'pg_class', own), occ.tie('pg_class', shares, 'pg_class', own);
END $$;

-- What users make may depend on a cast, so it is kept where nothing is made anew, and goes with the table.
CREATE OR REPLACE FUNCTION occ.build_cast(rel oid, slots jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    func oid;
BEGIN
    EXECUTE occ.part('row_function', slots);
    func := to_regproc(format('occ."%s row"', rel));
    IF NOT EXISTS (SELECT FROM pg_cast WHERE castfunc = func) THEN
        EXECUTE occ.part('row_cast', slots);
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

-- What a column gets where nothing is given. An identity column GENERATED ALWAYS has no default in the view: its
-- trigger has to tell a value from none.
CREATE OR REPLACE FUNCTION occ.default_of(rel oid, num int2) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE attidentity WHEN 'd' THEN format('occ.next_identity(%s::oid)', occ.identity_sequence(rel, attname))
                            ELSE pg_get_expr(adbin, adrelid) END
      FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE attrelid = rel AND attnum = num
$$;

-- All of them, as text.
CREATE OR REPLACE FUNCTION occ.defaults(rel oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(format('%I %s', attname, occ.default_of(rel, attnum)), ', ' ORDER BY attnum)
      FROM pg_attribute WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
$$;

CREATE OR REPLACE FUNCTION occ.mirror_defaults(rel oid, view regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    changes text;
BEGIN
    SELECT string_agg(format('ALTER %I ', c.attname) || coalesce('SET DEFAULT ' || c.expression, 'DROP DEFAULT'), ', ')
      INTO changes
      FROM (SELECT a.attname, v.atthasdef,
                   CASE a.attgenerated WHEN '' THEN occ.default_of(rel, a.attnum) END AS expression
              FROM pg_attribute a JOIN pg_attribute v ON v.attrelid = view AND v.attname = a.attname
             WHERE a.attrelid = rel AND a.attnum > 0 AND NOT a.attisdropped) c
     WHERE c.expression IS NOT NULL OR c.atthasdef;
    IF changes IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s %s', view, changes);
    END IF;
    -- What a default calls, the table's own holds; the view's goes with it.
    UPDATE pg_depend d SET deptype = 'a' FROM pg_attrdef a
     WHERE a.adrelid = view AND d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid AND d.deptype = 'n';
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
