-- Checks and actions of foreign keys that wait for the end of a statement or transaction.

CREATE OR REPLACE FUNCTION occ.put_off(con oid, side "char", key text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO occ.pending (con, side, key) VALUES (con, side, key);
    PERFORM set_config('occ.pending', '1', true);
END $$;

CREATE OR REPLACE FUNCTION occ.is_deferred(k pg_constraint, side "char") RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT (k).condeferrable THEN false
                WHEN side = '@PARENT@' AND 'r' IN ((k).confdeltype, (k).confupdtype) THEN false
                ELSE coalesce((modes->>((k).oid::text))::boolean, (modes->>'ALL')::boolean, (k).condeferred) END
      FROM (SELECT nullif(current_setting('occ.constraints', true), '')::jsonb AS modes) set_
$$;

-- The actions that are due, with those that they start.
CREATE OR REPLACE FUNCTION occ.act() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    p record;
BEGIN
    LOOP
        FOR p IN WITH due AS (DELETE FROM occ.pending WHERE pid = pg_backend_pid() AND side IN ('@ON_DELETE@', '@ON_UPDATE@')
                              RETURNING ctid, con, side, key)
                 SELECT due.*, format('SELECT pg_occ_%s_own.act_%s($1, $2, $3)', c.relnamespace, c.oid) AS call
                   FROM due JOIN pg_constraint k ON k.oid = due.con JOIN pg_class c ON c.oid = k.confrelid
                  ORDER BY due.ctid LOOP
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
    FOR p IN SELECT o.ctid, o.* FROM occ.pending o
              WHERE o.pid = pg_backend_pid() ORDER BY o.side = '@PARENT@' DESC, o.ctid LOOP
        SELECT * INTO k FROM pg_constraint WHERE oid = p.con;
        CONTINUE WHEN NOT final AND occ.is_deferred(k, p.side);
        EXECUTE format('SELECT EXISTS (SELECT FROM %s c WHERE %s)', occ.view_name(k.conrelid),
                       occ.listed(k.conrelid, k.conkey, 'c.%1$s = $1[%2$s]::%3$s', ' AND ')) INTO found_ USING p.key;
        IF found_ THEN
            EXECUTE format('SELECT count(coalesce(%s.mark_%s(p.*, ''@SHARED@''), 0)) > 0 FROM %s p WHERE %s',
                           occ.private_schema(k.confrelid), k.confrelid, occ.view_name(k.confrelid),
                           occ.listed(k.confrelid, k.confkey, 'p.%1$s = $1[%2$s]::%3$s', ' AND '))
               INTO found_ USING p.key;
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
CREATE OR REPLACE FUNCTION occ.constraints_named(name text[], path name[]) RETURNS SETOF pg_constraint
LANGUAGE sql STABLE AS $$
    SELECT k.* FROM pg_constraint k
     WHERE conname = name[cardinality(name)] AND connamespace = (
        SELECT n.oid
          FROM unnest(CASE cardinality(name) WHEN 1 THEN path ELSE name[1:1] END) WITH ORDINALITY s (name, at)
          JOIN pg_namespace n ON n.nspname = s.name
         WHERE EXISTS (SELECT FROM pg_constraint c WHERE c.connamespace = n.oid AND c.conname = k.conname)
         ORDER BY at LIMIT 1)
$$;

CREATE OR REPLACE FUNCTION occ.constrain(deferred boolean, names text[], path name[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
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
                RAISE EXCEPTION USING ERRCODE = '42809',
                    MESSAGE = format('constraint "%s" is not deferrable', k.conname);
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
