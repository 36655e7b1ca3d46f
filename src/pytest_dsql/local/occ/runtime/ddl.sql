-- Keeping the shadows in step with DDL.

CREATE OR REPLACE FUNCTION occ.function_names(rel oid) RETURNS name[] LANGUAGE sql STABLE AS $$
    SELECT array_agg(format('%s_%s', name, rel)) FROM unnest(occ.functions_in('private')) name
$$;

CREATE OR REPLACE FUNCTION occ.tie_all(rel oid, slots jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    o record;
    own oid := to_regclass(slots->>'overlay');
    s occ.shadowed := (SELECT s FROM occ.shadowed s WHERE base = rel);
    private name[] := occ.function_names(rel);
    shadow name[] := occ.functions_in('shadow');
BEGIN
    PERFORM occ.tie('pg_class', own, 'pg_class', rel);
    PERFORM occ.tie('pg_class', own, 'pg_class', s.view);
    PERFORM occ.tie('pg_rewrite', oid, 'pg_class', own), occ.tie_columns(ev_class, rel, s.attnums)
       FROM pg_rewrite WHERE ev_class = s.view;
    FOR o IN SELECT p.oid, v.reltype FROM pg_class v JOIN pg_proc p ON
                    p.pronamespace = to_regnamespace(slots->>'private') AND p.proname = ANY (private)
                 OR p.pronamespace = to_regnamespace(slots->>'shadow') AND p.proname = ANY (shadow)
                    AND p.proargtypes[0] = v.reltype
              WHERE v.oid = s.view LOOP
        PERFORM occ.tie('pg_proc', o.oid, 'pg_type', o.reltype), occ.tie('pg_proc', o.oid, 'pg_class', rel);
        UPDATE pg_proc p SET proowner = '@ROLE@'::regrole
         WHERE p.oid = o.oid AND proowner <> '@ROLE@'::regrole;
    END LOOP;
    UPDATE pg_trigger SET tgenabled = 'A' WHERE tgrelid = s.view AND tgenabled <> 'A';
END $$;

-- What overlay and view are made from. Where it is what it was, they stay, and functions are replaced without a lock.
CREATE OR REPLACE FUNCTION occ.structure(rel oid, slots jsonb) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(occ.part(name, slots), ';') || occ.defaults(rel)
      FROM unnest('{overlay,prepared_overlay,overlay_index,ledger,merged_view,row_function}'::text[]) name
$$;

CREATE OR REPLACE FUNCTION occ.sync(rel oid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s occ.shadowed;
    kept boolean;
    layout int2[];
    slots jsonb;
    commands text[];
    signature_ text;
    code_ text;
BEGIN
    SELECT * INTO s FROM occ.shadowed WHERE base = rel;
    -- A table that has no columns yet has nothing that transactions could be in each other's way for.
    IF occ.columns(rel) = '{}' THEN
        IF s.base IS NULL THEN
            RETURN;
        END IF;
        RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'table without columns not supported';
    END IF;
    kept := EXISTS (SELECT FROM pg_class WHERE oid = s.view);
    layout := occ.layout(rel, CASE WHEN kept THEN s.attnums ELSE '{}' END);
    slots := occ.describe(rel, layout);
    commands := occ.code(slots);
    signature_ := md5(occ.structure(rel, slots));
    code_ := md5(array_to_string(commands, ';'));
    IF s.signature = signature_ AND kept THEN
        UPDATE occ.shadowed SET related = occ.related(rel), code = code_, indexes = occ.indexes(rel)
         WHERE base = rel AND (code IS DISTINCT FROM code_ OR indexes IS DISTINCT FROM occ.indexes(rel));
        IF s.code IS DISTINCT FROM code_ THEN
            PERFORM occ.build_code(slots, commands), occ.tie_all(rel, slots);
        END IF;
        RETURN;
    END IF;
    PERFORM occ.sync_schema((SELECT relnamespace FROM pg_class WHERE oid = rel));
    -- The triggers that would look after deferrable keys are PostgreSQL's own, and silent.
    UPDATE pg_index SET indimmediate = true WHERE indrelid = rel AND NOT indimmediate;
    IF kept THEN
        PERFORM occ.sync_view(s.view, rel, slots, s.attnums);
    END IF;
    IF EXISTS (SELECT FROM pg_class WHERE oid = s.own) THEN
        EXECUTE format('DROP TABLE %s', s.own::regclass);
    END IF;
    IF kept THEN
        PERFORM occ.drop_functions(rel);
    END IF;
    PERFORM occ.build_overlay(slots);
    IF (slots->>'keyed')::boolean THEN
        PERFORM occ.build_ledger(slots);
    END IF;
    EXECUTE occ.part('merged_view', slots);
    s.view := (slots->>'view')::regclass;
    PERFORM occ.set_dropped(s.view, true);
    -- Before the triggers: writes name the shadows of the tables that foreign keys lead to.
    INSERT INTO occ.shadowed (base, view, own, attnums, related, signature, code, indexes)
    VALUES (rel, s.view, (slots->>'overlay')::regclass, layout, occ.related(rel), signature_, code_, occ.indexes(rel))
    ON CONFLICT (base) DO UPDATE SET view = excluded.view, own = excluded.own, attnums = excluded.attnums,
        related = excluded.related, signature = excluded.signature, code = excluded.code, indexes = excluded.indexes;
    PERFORM occ.mirror_defaults(rel, s.view);
    PERFORM occ.build_code(slots, commands), occ.build_cast(rel, slots);
    PERFORM occ.tie_all(rel, slots), occ.mirror_grants(rel);
END $$;

CREATE OR REPLACE FUNCTION occ.build_code(slots jsonb, commands text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    command text;
    verb text;
BEGIN
    FOREACH command IN ARRAY commands LOOP
        EXECUTE command;
    END LOOP;
    FOREACH verb IN ARRAY '{insert,update,delete}'::text[] LOOP
        PERFORM occ.add_trigger(slots->>'view', verb, slots);
    END LOOP;
    PERFORM occ.add_trigger(slots->>'overlay', 'commit', slots);
    IF (slots->>'refers')::boolean THEN
        PERFORM occ.add_trigger(slots->>'view', 'settle', slots);
    END IF;
END $$;

-- A trigger that is there already stays: to replace it would take a lock.
CREATE OR REPLACE FUNCTION occ.add_trigger(relation text, name text, slots jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass(relation) AND tgname = 'occ_' || name) THEN
        EXECUTE occ.part('trigger_' || name, slots);
    END IF;
END $$;

-- Functions whose home schema may change with the table; the triggers on its views go with them.
CREATE OR REPLACE FUNCTION occ.drop_functions(rel oid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
              WHERE n.nspname ~ '^pg_occ_\d+_own$' AND p.proname = ANY (occ.function_names(rel)) LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', f);
    END LOOP;
END $$;

-- DDL of the engine's own must not start the engine again; and what it generates has to be written with every
-- name qualified, whatever the search path of the session.
CREATE OR REPLACE FUNCTION occ.follow(changed oid[], everything boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    rel oid;
    path text := current_setting('search_path');
    level text := current_setting('client_min_messages');
    checks text := current_setting('check_function_bodies');
BEGIN
    IF current_setting('occ.following', true) = '1' THEN
        RETURN;
    END IF;
    PERFORM set_config('occ.following', '1', true), set_config('search_path', 'pg_catalog', true),
            set_config('client_min_messages', 'warning', true), set_config('check_function_bodies', 'off', true);
    DELETE FROM occ.shadowed WHERE base NOT IN (SELECT oid FROM pg_class);
    FOR rel IN SELECT u FROM occ.user_tables() u
                WHERE everything OR u = ANY (changed)
                   OR u IN (SELECT unnest(occ.related(c)) FROM unnest(changed) c)
                   OR EXISTS (SELECT FROM occ.shadowed s WHERE s.base = u AND s.related && changed) LOOP
        PERFORM occ.sync(rel);
    END LOOP;
    PERFORM occ.own_up();
    PERFORM set_config('occ.following', '', true), set_config('search_path', path, true),
            set_config('client_min_messages', level, true), set_config('check_function_bodies', checks, true);
END $$;

CREATE OR REPLACE FUNCTION occ.on_ddl_end() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed oid[];
    grants boolean;
    own boolean;
    o oid;
BEGIN
    IF current_setting('occ.following', true) = '1' THEN
        RETURN;
    END IF;
    SELECT array_agg(DISTINCT coalesce(x.indrelid, k.conrelid, d.objid)),
           bool_or(command_tag IN ('GRANT', 'REVOKE') OR command_tag LIKE 'ALTER%'),
           bool_or(command_tag = 'CREATE TABLE' AND schema_name = 'occ')
      INTO changed, grants, own
      FROM pg_catalog.pg_event_trigger_ddl_commands() d LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = d.objid
      LEFT JOIN pg_catalog.pg_constraint k
                ON k.oid = d.objid AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass;
    FOR o IN SELECT oid FROM pg_catalog.pg_namespace WHERE occ.is_user_schema(nspname) LOOP
        IF grants OR o = ANY (changed) THEN
            PERFORM occ.sync_schema(o);
        END IF;
    END LOOP;
    PERFORM occ.follow(coalesce(changed, '{}'), tg_tag IN ('ALTER SCHEMA', 'ALTER DOMAIN'));
    IF grants THEN
        PERFORM occ.mirror_grants(base) FROM occ.shadowed;
    END IF;
    IF own THEN
        PERFORM occ.keep_from_users();
    END IF;
END $$;

-- What is left of tables that lost something, and of tables that had to do with those that are gone.
CREATE OR REPLACE FUNCTION occ.on_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed oid[];
BEGIN
    IF current_setting('occ.following', true) = '1' THEN
        RETURN;
    END IF;
    SELECT coalesce(array_agg(DISTINCT CASE
                        WHEN object_type IN ('table', 'table column') THEN objid
                        ELSE to_regclass(format('%I.%I', address_names[1], address_names[2]))::oid END)
                    FILTER (WHERE object_type IN ('table', 'table column', 'table constraint', 'default value')), '{}')
           || ARRAY(SELECT base FROM occ.shadowed WHERE indexes && array_agg(objid))
      INTO changed FROM pg_catalog.pg_event_trigger_dropped_objects() WHERE occ.is_user_schema(schema_name);
    PERFORM occ.follow(changed, false);
END $$;

-- Tables of the stand-in's own that no statement of a user writes: not even the engine's role, which may write all
-- tables, sees a row of them, for users' expressions are computed in its name.
CREATE OR REPLACE FUNCTION occ.keep_from_users() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kept regclass;
BEGIN
    FOR kept IN SELECT oid FROM pg_class WHERE relnamespace = 'occ'::regnamespace AND relkind = 'r'
                   AND relname NOT IN ('pending', 'weighed') AND NOT relrowsecurity LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', kept);
    END LOOP;
END $$;

-- Who may call what: users what statements of theirs become, the engine's role what its functions call. These act as
-- that role, since a check, a generated column or a key of a user's is computed in them.
CREATE OR REPLACE FUNCTION occ.grant_rights() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA occ FROM PUBLIC, @ROLE@;
    GRANT USAGE ON SCHEMA occ TO PUBLIC;
    GRANT EXECUTE ON FUNCTION occ.is_own, occ.next_identity, occ.set_constraints, occ.constrain, occ.hold,
        occ.when_planned TO PUBLIC;
    GRANT EXECUTE ON FUNCTION occ.act, occ.check_size, occ.column_names, occ.columns, occ.constraints_named,
        occ.full_xid, occ.index_weights, occ.insert_nothing, occ.is_committing, occ.is_deferred, occ.is_left,
        occ.is_rival, occ.listed, occ.name, occ.private_schema, occ.put_off, occ.raise_conflict, occ.raise_duplicate,
        occ.raise_foreign_key, occ.raise_row_limit, occ.raise_size_limit, occ.refuse_sizes, occ.refuse_value,
        occ.settle, occ.statement_ends, occ.stored_size, occ.view_name TO @ROLE@;
    UPDATE pg_proc SET proowner = '@ROLE@'::regrole
     WHERE pronamespace = 'occ'::regnamespace
       AND proname IN ('act', 'hold', 'insert_nothing', 'next_identity', 'constrain', 'settle', 'statement_ends');
    PERFORM occ.keep_from_users();
END $$;

-- What was there before the engine, and its settings for sessions to come: PostgreSQL's foreign-key triggers stay
-- silent under the role `replica`, without a trace in the catalog that users look at. A nested loop over all that a
-- transaction has written, for each row of the table, looks cheap to a planner who expects one row there. The limits
-- are those of the service; a session may have others.
CREATE OR REPLACE FUNCTION occ.attach() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s oid;
BEGIN
    EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', current_database());
    EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', current_database());
    EXECUTE format('ALTER DATABASE %I SET enable_material = off', current_database());
    EXECUTE format('ALTER DATABASE %I SET @ROW_LIMIT_SETTING@ = @ROW_LIMIT@', current_database());
    EXECUTE format('ALTER DATABASE %I SET @SIZE_LIMIT_SETTING@ = @SIZE_LIMIT@', current_database());
    PERFORM set_config('session_replication_role', 'replica', false);
    FOR s IN SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_occ_\d+_skip$' LOOP
        EXECUTE format('DROP SCHEMA %s CASCADE', s::regnamespace);
    END LOOP;
    FOR s IN SELECT oid FROM pg_namespace WHERE occ.is_user_schema(nspname) LOOP
        PERFORM occ.sync_schema(s);
    END LOOP;
    PERFORM occ.grant_rights();
    UPDATE occ.shadowed SET signature = NULL, code = NULL;
    PERFORM occ.follow('{}', true);
    CREATE EVENT TRIGGER occ_ddl_end ON ddl_command_end EXECUTE FUNCTION occ.on_ddl_end();
    CREATE EVENT TRIGGER occ_drop ON sql_drop EXECUTE FUNCTION occ.on_drop();
    ALTER EVENT TRIGGER occ_ddl_end ENABLE ALWAYS;
    ALTER EVENT TRIGGER occ_drop ENABLE ALWAYS;
END $$;
