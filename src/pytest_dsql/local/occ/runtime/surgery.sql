-- What the engine writes into PostgreSQL's catalogs itself, and what it reads there of a table's kin. docs/engine.md
-- has the list, with reasons. A new major version of PostgreSQL begins here.

-- Whether a schema is the stand-in's, and unknown to a cluster.
CREATE OR REPLACE FUNCTION occ.is_own(name text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT name IN ('occ', 'occ_shown') OR starts_with(name, 'pg_occ_')
$$;

CREATE OR REPLACE FUNCTION occ.is_user_schema(name text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT name !~ '^pg_' AND name NOT IN ('information_schema', 'sys') AND NOT occ.is_own(name)
$$;

CREATE OR REPLACE FUNCTION occ.user_tables() RETURNS SETOF oid LANGUAGE sql STABLE AS $$
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND occ.is_user_schema(n.nspname) ORDER BY c.oid
$$;

-- Goes when `parent` goes, without a word. What CREATE recorded as an ordinary dependency would have
-- DROP TABLE refused by objects that users cannot see.
CREATE OR REPLACE FUNCTION occ.tie(class_ regclass, child oid, parent_class regclass, parent oid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE pg_depend SET deptype = 'a'
     WHERE classid = class_ AND objid = child AND refclassid = parent_class AND refobjid = parent AND deptype = 'n';
    IF NOT FOUND AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = class_ AND objid = child
                                    AND refclassid = parent_class AND refobjid = parent) THEN
        INSERT INTO pg_depend VALUES (class_, child, 0, parent_class, parent, 0, 'a');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION occ.sync_schema(schema_oid oid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    suffix text;
    name text;
    usable aclitem[];
BEGIN
    FOREACH suffix IN ARRAY ARRAY['', '_own'] LOOP
        name := format('pg_occ_%s%s', schema_oid, suffix);
        IF to_regnamespace(name) IS NULL THEN
            PERFORM set_config('allow_system_table_mods', 'on', true);
            EXECUTE format('CREATE SCHEMA %I', name);
            PERFORM set_config('allow_system_table_mods', 'off', true);
            PERFORM occ.tie('pg_namespace', to_regnamespace(name)::oid, 'pg_namespace', schema_oid);
        END IF;
    END LOOP;
    usable := (SELECT array_agg(makeaclitem(a.grantee, a.grantor, 'USAGE', false))
                 FROM pg_namespace u, aclexplode(coalesce(u.nspacl, acldefault('n', u.nspowner))) a
                WHERE u.oid = schema_oid AND a.privilege_type = 'USAGE');
    UPDATE pg_namespace s SET nspacl = usable
     WHERE s.nspname = format('pg_occ_%s', schema_oid) AND s.nspacl IS DISTINCT FROM usable;
END $$;

-- The view answers to the same privileges as the table.
CREATE OR REPLACE FUNCTION occ.mirror_grants(rel oid) RETURNS void LANGUAGE sql AS $$
    UPDATE pg_class v SET relacl = coalesce(b.relacl, acldefault('r', b.relowner)) FROM pg_class b, occ.shadowed s
     WHERE s.base = rel AND b.oid = rel AND v.oid = s.view
       AND v.relacl IS DISTINCT FROM coalesce(b.relacl, acldefault('r', b.relowner));
    UPDATE pg_attribute v SET attacl = b.attacl FROM pg_attribute b, occ.shadowed s
     WHERE s.base = rel AND b.attrelid = rel AND v.attrelid = s.view AND v.attname = b.attname AND v.attnum > 0
       AND NOT b.attisdropped AND v.attacl IS DISTINCT FROM b.attacl;
$$;

CREATE OR REPLACE FUNCTION occ.related(rel oid) RETURNS oid[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(DISTINCT o), '{}') FROM (
        SELECT confrelid AS o FROM pg_constraint WHERE conrelid = rel AND contype = 'f'
        UNION SELECT conrelid FROM pg_constraint WHERE confrelid = rel AND contype = 'f') r WHERE o <> rel
$$;

CREATE OR REPLACE FUNCTION occ.indexes(rel oid) RETURNS oid[] LANGUAGE sql STABLE AS $$
    SELECT array_agg(indexrelid ORDER BY indexrelid) FROM pg_index WHERE indrelid = rel
$$;

-- The table's column behind each of a view's: those it had, and new ones behind them. A column that the table has lost
-- keeps its place, as it does in tables, for users' own views count on the places of the others.
CREATE OR REPLACE FUNCTION occ.layout(rel oid, attnums int2[]) RETURNS int2[] LANGUAGE sql STABLE AS $$
    SELECT attnums || ARRAY(SELECT u FROM unnest(occ.columns(rel)) u WHERE u <> ALL (attnums) ORDER BY u)
$$;

CREATE OR REPLACE FUNCTION occ.outputs(rel oid, layout int2[], source text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(CASE WHEN a.attisdropped
                           THEN format('NULL::pg_catalog.int4 AS "........pg.dropped.%s........"', k.n)
                           ELSE format('%s.%s', source, occ.name(a.attname)) END, ', ' ORDER BY k.n)
      FROM unnest(layout) WITH ORDINALITY k (num, n)
      JOIN pg_attribute a ON a.attrelid = rel AND a.attnum = k.num
$$;

-- PostgreSQL drops a column of a view as it drops one of a table, where something that the column depends on goes; but
-- it replaces only views that have all of their columns. So they come back for that moment, by the names it gave them.
CREATE OR REPLACE FUNCTION occ.set_dropped(view oid, dropped boolean) RETURNS void LANGUAGE sql AS $$
    UPDATE pg_attribute SET attisdropped = dropped, atttypid = CASE WHEN dropped THEN 0 ELSE 'int4'::regtype::oid END,
           attlen = 4, attbyval = true, attalign = 'i', attstorage = 'p', attcompression = '', attcollation = 0,
           atttypmod = -1, attndims = 0
     WHERE attrelid = view AND attname = format('........pg.dropped.%s........', attnum)
$$;

-- A view that users' own views may stand on is altered, not dropped. Functions of its rows move along.
CREATE OR REPLACE FUNCTION occ.sync_view(view_oid oid, rel oid, slots jsonb, attnums int2[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    c record;
    was record;
    shadow text := slots->>'shadow';
    name name := (SELECT relname FROM pg_class WHERE oid = rel);
BEGIN
    PERFORM occ.set_dropped(view_oid, false);
    SELECT n.nspname, v.relname, v.reltype, v.relnamespace INTO was
      FROM pg_class v JOIN pg_namespace n ON n.oid = v.relnamespace WHERE v.oid = view_oid;
    IF FOUND AND was.nspname <> shadow THEN
        EXECUTE format('ALTER VIEW %I.%I SET SCHEMA %I', was.nspname, was.relname, shadow);
        FOR c IN SELECT oid::regprocedure AS function FROM pg_proc
                  WHERE pronamespace = was.relnamespace AND proargtypes[0] = was.reltype LOOP
            EXECUTE format('ALTER FUNCTION %s SET SCHEMA %I', c.function, shadow);
        END LOOP;
    END IF;
    IF was.relname <> name THEN
        EXECUTE format('ALTER VIEW %I.%I RENAME TO %I', shadow, was.relname, name);
    END IF;
    FOR c IN SELECT v.attname AS was, b.attname AS now
               FROM unnest(attnums) WITH ORDINALITY k (num, n)
               JOIN pg_attribute v ON v.attrelid = view_oid AND v.attnum = k.n
               JOIN pg_attribute b ON b.attrelid = rel AND b.attnum = k.num AND NOT b.attisdropped
              WHERE v.attname <> b.attname LOOP
        EXECUTE format('ALTER VIEW %s RENAME COLUMN %I TO %I', slots->>'view', c.was, c.now);
    END LOOP;
    EXECUTE occ.part('bare_view', slots);
END $$;

-- With a column of the table goes that of the views, not the views: nothing else may say that it needs the column.
CREATE OR REPLACE FUNCTION occ.tie_columns(view oid, rel oid, layout int2[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM pg_depend USING pg_rewrite r
     WHERE classid = 'pg_rewrite'::regclass AND objid = r.oid AND r.ev_class = view
       AND (refobjid = rel OR refclassid = 'pg_type'::regclass);
    DELETE FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = view AND refobjid = rel;
    INSERT INTO pg_depend SELECT 'pg_class'::regclass, view, k.n::int - 1, 'pg_class'::regclass, rel, k.num, 'a'
      FROM unnest(0::int2 || layout) WITH ORDINALITY k (num, n) WHERE k.num = 0 OR k.num = ANY (occ.columns(rel))
$$;

-- What users make over the views depends on the tables, as far as PostgreSQL and catalogs are asked: DROP refuses,
-- tells and takes with it what it does without the engine.
CREATE OR REPLACE FUNCTION occ.own_up() RETURNS void LANGUAGE sql AS $$
    UPDATE pg_depend d
       SET refobjid = s.base, refobjsubid = CASE refobjsubid WHEN 0 THEN 0 ELSE s.attnums[refobjsubid] END
      FROM occ.shadowed s
     WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = s.view AND d.deptype = 'n';
    UPDATE pg_depend d SET refclassid = 'pg_class'::regclass, refobjid = s.base
      FROM occ.shadowed s JOIN pg_class b ON b.oid = s.base JOIN pg_cast k ON k.casttarget = b.reltype
     WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = k.castfunc AND d.classid <> 'pg_cast'::regclass
       AND d.deptype = 'n'
$$;
