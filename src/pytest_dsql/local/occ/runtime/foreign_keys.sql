-- Foreign keys over merged views: PostgreSQL's own checks see committed rows only and are switched off.

-- A child row marks its parent FOR KEY SHARE; what is lacking is looked at again at the statement's end, or
-- at COMMIT where the constraint is deferred.
CREATE OR REPLACE FUNCTION occ.part_child(rel oid, verb text) RETURNS text LANGUAGE plpgsql STABLE AS $f$
DECLARE
    k record;
    code text := '';
    test text;
    parent jsonb;
BEGIN
    FOR k IN SELECT * FROM pg_constraint WHERE conrelid = rel AND contype = 'f' ORDER BY oid LOOP
        parent := occ.names(k.confrelid);
        test := occ.fill($$
    IF {all_set} THEN
        PERFORM {private}.mark_{oid}(p.*, 'S') FROM {view} p WHERE {match};
        IF NOT FOUND THEN
            PERFORM occ.put_off({con}, 'c', ARRAY[{texts}]);
        END IF;
    {full}END IF;$$, parent || jsonb_build_object(
            'con', k.oid,
            'all_set', occ.each(rel, k.conkey, 'NEW.{c} IS NOT NULL', ' AND '),
            'match', occ.pairs(rel, k.conkey, k.confrelid, k.confkey, 'p.{b} = NEW.{a}', ' AND '),
            'texts', occ.each(rel, k.conkey, 'NEW.{c}::text', ', '),
            'full', CASE WHEN k.confmatchtype = 'f' THEN format('ELSIF %s THEN PERFORM occ.raise_foreign_key(%s, ''f'', NULL); ',
                        occ.each(rel, k.conkey, 'NEW.{c} IS NOT NULL', ' OR '), k.oid) END));
        IF verb = 'update' THEN
            test := format(E'\n    IF (%s) IS DISTINCT FROM (%s) THEN%s\n    END IF;',
                occ.each(rel, k.conkey, 'NEW.{c}', ', '), occ.each(rel, k.conkey, 'OLD.{c}', ', '), test);
        END IF;
        code := code || test;
    END LOOP;
    RETURN code;
END $f$;

-- A parent row that goes, or whose referenced key changes. What that does to its children waits for the end of the statement,
-- which may have to do with these rows itself; so does the check that there are none.
CREATE OR REPLACE FUNCTION occ.part_parent(rel oid, verb text) RETURNS text LANGUAGE plpgsql STABLE AS $f$
DECLARE
    k record;
    code text := '';
    act text;
BEGIN
    FOR k IN SELECT *, CASE verb WHEN 'delete' THEN confdeltype ELSE confupdtype END AS action
               FROM pg_constraint WHERE confrelid = rel AND contype = 'f' ORDER BY oid LOOP
        act := CASE WHEN k.action NOT IN ('c', 'n', 'd')
                    THEN 'IF EXISTS (SELECT FROM {view} c WHERE {match}) THEN PERFORM occ.put_off({con}, ''p'', ARRAY[{old}]); END IF;'
                    WHEN verb = 'delete' THEN 'PERFORM occ.put_off({con}, ''d'', ARRAY[{old}]);'
                    ELSE 'PERFORM occ.put_off({con}, ''u'', ARRAY[{old}, {new}]);' END;
        code := code || format(E'\n    IF %s%s THEN\n        %s\n    END IF;',
            occ.each(rel, k.confkey, 'OLD.{c} IS NOT NULL', ' AND '),
            CASE verb WHEN 'update' THEN format(' AND (%s) IS DISTINCT FROM (%s)',
                occ.each(rel, k.confkey, 'NEW.{c}', ', '), occ.each(rel, k.confkey, 'OLD.{c}', ', ')) ELSE '' END,
            occ.fill(act, occ.names(k.conrelid) || jsonb_build_object(
                'con', k.oid,
                'match', occ.pairs(k.conrelid, k.conkey, rel, k.confkey, 'c.{a} = OLD.{b}', ' AND '),
                'old', occ.each(rel, k.confkey, 'OLD.{c}::text', ', '),
                'new', occ.each(rel, k.confkey, 'NEW.{c}::text', ', '))));
    END LOOP;
    RETURN code;
END $f$;

-- The actions of the foreign keys that lead to a table: the body of its function act(constraint, 'd' or 'u', the former key
-- and the new).
CREATE OR REPLACE FUNCTION occ.part_actions(rel oid) RETURNS text LANGUAGE plpgsql STABLE AS $f$
DECLARE
    k record;
    code text := '';
    set_cols int2[];
BEGIN
    FOR k IN SELECT c.*, a.side, a.action FROM pg_constraint c, LATERAL (VALUES ('d', confdeltype), ('u', confupdtype)) a (side, action)
              WHERE confrelid = rel AND contype = 'f' AND a.action IN ('c', 'n', 'd') ORDER BY oid LOOP
        set_cols := CASE k.side WHEN 'd' THEN coalesce(k.confdelsetcols, k.conkey) ELSE k.conkey END;
        code := code || occ.fill(CASE WHEN code = '' THEN 'IF' ELSE 'ELSIF' END || format(' occ_con = %s AND occ_side = %L THEN ', k.oid, k.side)
            -- A child that had the default already does not change, and looks for its parent not again.
            || CASE k.action WHEN 'd' THEN format('PERFORM occ.put_off(%s, ''p'', occ_key[1:%s]); ', k.oid, cardinality(k.confkey)) ELSE '' END
            || CASE WHEN k.action = 'c' AND k.side = 'd' THEN 'DELETE FROM {view} c'
                    ELSE 'UPDATE {view} c SET ' || CASE k.action
                        WHEN 'c' THEN occ.of_key(k.conrelid, k.conkey, '%s = occ_key[%s]::%s', ', ', cardinality(k.conkey))
                        WHEN 'n' THEN occ.each(k.conrelid, set_cols, '{c} = NULL', ', ')
                        ELSE occ.each(k.conrelid, set_cols, '{c} = DEFAULT', ', ') END END
            || ' WHERE ' || occ.of_key(k.conrelid, k.conkey, 'c.%s = occ_key[%s]::%s', ' AND ')
            || E';\n', occ.names(k.conrelid));
    END LOOP;
    RETURN nullif(code, '') || 'END IF;';
END $f$;

CREATE OR REPLACE FUNCTION occ.build_actions(rel oid, t jsonb) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
    actions text := occ.part_actions(rel);
BEGIN
    IF actions IS NOT NULL THEN
        PERFORM occ.define('{private}.act_{oid}(occ_con oid, occ_side "char", occ_key text[]) RETURNS void',
            E'\n#variable_conflict use_column\nBEGIN\n' || actions || ' END', t);
    END IF;
END $f$;

CREATE OR REPLACE FUNCTION occ.names(rel oid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('oid', c.oid, 'private', format('pg_occ_%s_own', c.relnamespace),
                              'view', format('pg_occ_%s.%s', c.relnamespace, occ.name(c.relname)))
      FROM pg_class c WHERE c.oid = rel
$$;

CREATE OR REPLACE FUNCTION occ.put_off(con oid, side "char", key text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO occ.pending (con, side, key) VALUES (con, side, key);
    PERFORM set_config('occ.pending', '1', true);
END $$;

CREATE OR REPLACE FUNCTION occ.is_deferred(k pg_constraint, side "char") RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT (k).condeferrable THEN false
                WHEN side = 'p' AND 'r' IN ((k).confdeltype, (k).confupdtype) THEN false
                ELSE coalesce((modes->>((k).oid::text))::boolean, (modes->>'ALL')::boolean, (k).condeferred) END
      FROM (SELECT nullif(current_setting('occ.constraints', true), '')::jsonb AS modes) set_
$$;

-- Columns of a relation beside parts of a key, which is $1: the pattern gets a column's name, the number of its part and its type.
CREATE OR REPLACE FUNCTION occ.of_key(rel oid, nums int2[], pattern text, separator text, first int DEFAULT 0) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(format(pattern, occ.name(attname), n + first, occ.shield(format_type(atttypid, atttypmod))), separator ORDER BY n)
      FROM unnest(nums) WITH ORDINALITY u (num, n) JOIN pg_attribute ON attrelid = rel AND attnum = num
$$;

-- The actions that are due, with those that they start.
CREATE OR REPLACE FUNCTION occ.act() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    p record;
BEGIN
    LOOP
        FOR p IN WITH due AS (DELETE FROM occ.pending WHERE pid = pg_backend_pid() AND side IN ('d', 'u') RETURNING ctid, con, side, key)
                 SELECT due.*, format('SELECT pg_occ_%s_own.act_%s($1, $2, $3)', c.relnamespace, c.oid) AS call
                   FROM due JOIN pg_constraint k ON k.oid = due.con JOIN pg_class c ON c.oid = k.confrelid ORDER BY due.ctid LOOP
            EXECUTE p.call USING p.con, p.side, p.key;
        END LOOP;
        EXIT WHEN NOT FOUND;
    END LOOP;
END $f$;

-- A check that was put off fails when children with that key are there and no parent is.
CREATE OR REPLACE FUNCTION occ.settle(final boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    p record;
    k pg_constraint;
    found_ boolean;
BEGIN
    PERFORM occ.act();
    FOR p IN SELECT o.ctid, o.* FROM occ.pending o WHERE o.pid = pg_backend_pid() ORDER BY o.side = 'p' DESC, o.ctid LOOP
        SELECT * INTO k FROM pg_constraint WHERE oid = p.con;
        CONTINUE WHEN NOT final AND occ.is_deferred(k, p.side);
        EXECUTE occ.bare(occ.fill('SELECT EXISTS (SELECT FROM {view} c WHERE ', occ.names(k.conrelid))
            || occ.of_key(k.conrelid, k.conkey, 'c.%s = $1[%s]::%s', ' AND ') || ')') INTO found_ USING p.key;
        IF found_ THEN
            EXECUTE occ.bare(occ.fill('SELECT count(coalesce({private}.mark_{oid}(p.*, ''S''), 0)) > 0 FROM {view} p WHERE ', occ.names(k.confrelid))
                || occ.of_key(k.confrelid, k.confkey, 'p.%s = $1[%s]::%s', ' AND ')) INTO found_ USING p.key;
            IF NOT found_ THEN
                PERFORM occ.raise_foreign_key(k.oid, p.side, p.key);
            END IF;
        END IF;
        DELETE FROM occ.pending WHERE ctid = p.ctid;
    END LOOP;
    IF NOT EXISTS (SELECT FROM occ.pending o WHERE o.pid = pg_backend_pid()) THEN
        PERFORM set_config('occ.pending', '', true);
    END IF;
END $f$;

-- The constraints that a name means for SET CONSTRAINTS: all of them in the first schema of the path that has one.
CREATE OR REPLACE FUNCTION occ.constraints_named(name text[], path name[]) RETURNS SETOF pg_constraint LANGUAGE sql STABLE AS $$
    SELECT k.* FROM pg_constraint k
     WHERE conname = name[cardinality(name)] AND connamespace = (
        SELECT n.oid FROM unnest(CASE cardinality(name) WHEN 1 THEN path ELSE name[1:1] END) WITH ORDINALITY s (name, at)
          JOIN pg_namespace n ON n.nspname = s.name
         WHERE EXISTS (SELECT FROM pg_constraint c WHERE c.connamespace = n.oid AND c.conname = k.conname) ORDER BY at LIMIT 1)
$$;

CREATE OR REPLACE FUNCTION occ.constrain(deferred boolean, names text[], path name[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    modes jsonb := CASE names WHEN '{}' THEN jsonb_build_object('ALL', deferred)
                   ELSE coalesce(nullif(current_setting('occ.constraints', true), ''), '{}')::jsonb END;
    name text;
    k pg_constraint;
BEGIN
    FOREACH name IN ARRAY names LOOP
        FOR k IN SELECT * FROM occ.constraints_named(parse_ident(name), path) LOOP
            IF deferred AND NOT k.condeferrable THEN
                RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('constraint "%s" is not deferrable', k.conname);
            END IF;
            modes := modes || jsonb_build_object(k.oid, deferred);
        END LOOP;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = '42704',
                MESSAGE = format('constraint "%s" does not exist', array_to_string(parse_ident(name), '.'));
        END IF;
    END LOOP;
    PERFORM set_config('occ.constraints', modes::text, true);
    IF current_setting('occ.pending', true) = '1' THEN
        PERFORM occ.settle(false);
    END IF;
END $$;

-- SET CONSTRAINTS, as the proxy translates it: for the rest of the transaction; without names, for all constraints.
CREATE OR REPLACE FUNCTION occ.set_constraints(deferred boolean, names text[]) RETURNS void LANGUAGE sql AS $$
    SELECT occ.constrain(deferred, names, pg_catalog.current_schemas(true))
$$;

-- At the end of the user's statement; those that foreign-key actions start are parts of it.
CREATE OR REPLACE FUNCTION occ.statement_ends() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('occ.pending', true) = '1' AND pg_trigger_depth() = 1 THEN
        PERFORM occ.settle(false);
    END IF;
    RETURN NULL;
END $$;
