-- What Aurora DSQL has and PostgreSQL has not: its schema `sys`, and the errors that the proxy asks for.

CREATE SCHEMA IF NOT EXISTS sys;
CREATE SCHEMA IF NOT EXISTS occ_shown;
GRANT USAGE ON SCHEMA sys, occ, occ_shown TO PUBLIC;

-- Errors -------------------------------------------------------------------------------------------------------------
-- PostgreSQL itself raises what a rule of the proxy refuses: so a transaction fails as it would for any other error.

CREATE OR REPLACE FUNCTION occ.refuse(sqlstate text, message text, detail text, hint text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = refuse.sqlstate, MESSAGE = refuse.message,
        DETAIL = coalesce(refuse.detail, ''), HINT = coalesce(refuse.hint, '');
END $$;

CREATE UNLOGGED TABLE IF NOT EXISTS occ.commit_failure (sqlstate text, message text, detail text, hint text);

CREATE OR REPLACE FUNCTION occ.raise_commit_failure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM occ.refuse(NEW.sqlstate, NEW.message, NEW.detail, NEW.hint);
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS at_commit ON occ.commit_failure;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON occ.commit_failure DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION occ.raise_commit_failure();
-- The engine silences PostgreSQL's own triggers in every session.
ALTER TABLE occ.commit_failure ENABLE ALWAYS TRIGGER at_commit;

CREATE OR REPLACE FUNCTION occ.fail_at_commit(sqlstate text, message text, detail text, hint text) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$ INSERT INTO occ.commit_failure VALUES (sqlstate, message, detail, hint) $$;

CREATE OR REPLACE FUNCTION occ.affect_row_twice() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = '21000',
        MESSAGE = 'ON CONFLICT DO UPDATE command cannot affect row a second time',
        HINT = 'Ensure that no rows proposed for insertion within the same command have duplicate constrained values.';
END $$;

-- Bodies of routines -----------------------------------------------------------------------------------------------------
-- They tell the proxy what they do by notices, which it keeps to itself, and are told what their transaction did before.

CREATE OR REPLACE FUNCTION occ.tell(ddl boolean, dml boolean) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('occ.did_ddl', ddl::int::text, true), set_config('occ.did_dml', dml::int::text, true)
$$;

CREATE OR REPLACE FUNCTION occ.enters_ddl(multiple text, mixed text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('occ.did_ddl', true) = '1' OR current_setting('occ.did_dml', true) = '1' THEN
        PERFORM occ.refuse('0A000', CASE current_setting('occ.did_ddl', true) WHEN '1' THEN multiple ELSE mixed END, NULL, NULL);
    END IF;
    RAISE NOTICE USING ERRCODE = 'OCC00', MESSAGE = 'ddl';
    RETURN set_config('occ.did_ddl', '1', true) = '1';
END $$;

CREATE OR REPLACE FUNCTION occ.enters_dml(mixed text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('occ.did_ddl', true) = '1' THEN
        PERFORM occ.refuse('0A000', mixed, NULL, NULL);
    END IF;
    IF current_setting('occ.did_dml', true) IS DISTINCT FROM '1' THEN
        RAISE NOTICE USING ERRCODE = 'OCC00', MESSAGE = 'dml';
        PERFORM set_config('occ.did_dml', '1', true);
    END IF;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION occ.enters_path() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE USING ERRCODE = 'OCC00', MESSAGE = 'path';
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION occ.mail() RETURNS jsonb LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_read_file('occ_mail/' || pg_backend_pid(), true)::jsonb
$$;

-- What EXECUTE is to run in place of a text. The proxy answers at once; it is given the time that a busy machine takes.
CREATE OR REPLACE FUNCTION occ.translated(text) RETURNS text LANGUAGE plpgsql STRICT AS $$
DECLARE
    number text := gen_random_uuid();
    answer jsonb;
BEGIN
    RAISE NOTICE USING ERRCODE = 'OCC01', MESSAGE = $1, DETAIL = number, HINT = to_json(current_schemas(false))::text;
    FOR attempt IN 1 .. 20000 LOOP
        answer := occ.mail();
        EXIT WHEN answer->>'n' = number;
        PERFORM pg_sleep(0.0005);
    END LOOP;
    IF answer->>'n' IS DISTINCT FROM number THEN
        PERFORM occ.refuse('XX000', 'server unavailable', NULL, NULL);
    END IF;
    IF answer->>'guard' IS NOT NULL THEN
        EXECUTE 'SELECT ' || (answer->>'guard');
    END IF;
    RETURN answer->>'sql';
END $$;

-- A statement that is rewritten as a SELECT puts its rows in here, for PL/pgSQL to count them.
CREATE OR REPLACE VIEW occ.affected AS SELECT NULL::int AS row WHERE false;
CREATE OR REPLACE FUNCTION occ.count_affected() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE OR REPLACE TRIGGER counted INSTEAD OF INSERT ON occ.affected FOR EACH ROW EXECUTE FUNCTION occ.count_affected();
UPDATE pg_trigger SET tgenabled = 'A' WHERE tgrelid = 'occ.affected'::regclass;
GRANT INSERT ON occ.affected TO PUBLIC;

-- RESET ALL without the settings that carry the engine's own state.
CREATE OR REPLACE FUNCTION occ.reset_all() RETURNS void LANGUAGE sql AS $$
    SELECT set_config(name, reset_val, false) FROM pg_settings
     WHERE context = 'user' AND category <> 'Customized Options' AND setting IS DISTINCT FROM reset_val
       AND name NOT LIKE 'transaction\_%' AND name <> 'session_replication_role'
$$;

-- What the cluster says of itself --------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION sys.version() RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'PostgreSQL 16' $$;
CREATE OR REPLACE FUNCTION sys.current_database() RETURNS name LANGUAGE sql STABLE AS $$ SELECT 'postgres'::name $$;
CREATE OR REPLACE FUNCTION sys.dsql_major_version() RETURNS integer LANGUAGE sql STABLE AS $$ SELECT 1 $$;
CREATE OR REPLACE FUNCTION sys.current_session_id() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT md5(pid || '/' || backend_start)::uuid FROM pg_stat_get_activity(pg_backend_pid())
$$;
CREATE OR REPLACE FUNCTION sys.current_setting(setting text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE lower(setting) WHEN 'server_version' THEN '16.15' WHEN 'server_version_num' THEN '160015'
           WHEN 'transaction_isolation' THEN 'repeatable read'
           ELSE pg_catalog.current_setting(setting) END
$$;

CREATE OR REPLACE FUNCTION sys.uuid_to_base32_str(id uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(substr('abcdefghijklmnopqrstuvwxyz234567', substr(bits, at, 5)::bit(5)::int + 1, 1), '' ORDER BY at)
      FROM (SELECT rpad(string_agg(get_byte(uuid_send(id), n)::bit(8)::text, '' ORDER BY n), 130, '0') AS bits
              FROM generate_series(0, 15) n) b,
           generate_series(1, 130, 5) at
$$;

CREATE OR REPLACE FUNCTION sys.base32_str_to_uuid(id text) RETURNS uuid LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    IF id !~ '^[a-z2-7]{26}$' THEN
        PERFORM occ.refuse('22P02', 'Unable to convert text to UUID', NULL, NULL);
    END IF;
    RETURN (SELECT string_agg(to_hex(substr(bits, at, 4)::bit(4)::int), '' ORDER BY at)
              FROM (SELECT string_agg((strpos('abcdefghijklmnopqrstuvwxyz234567', substr(id, n, 1)) - 1)::bit(5)::text, '' ORDER BY n)
                      FROM generate_series(1, 26) n) b (bits),
                   generate_series(1, 125, 4) at);
END $$;

-- Definitions, as their users wrote them: what the proxy has put in place of their relations' names is taken back. --------

CREATE OR REPLACE FUNCTION occ.shown_name(name text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN parts[1] IS NOT NULL
                THEN coalesce(to_regclass(format('%I.%s', (SELECT nspname FROM pg_namespace WHERE oid = parts[1]::oid), parts[2]))::text, parts[2])
                WHEN starts_with(parts[2], 'pg_') THEN parts[2] ELSE 'information_schema.' || parts[2] END
      FROM regexp_match(name, '^(?:pg_occ_(\d+)|occ_shown)\.(.*)$') parts
$$;
CREATE OR REPLACE FUNCTION occ_shown.as_written(definition text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT m[1] FROM regexp_matches(definition, '\m((?:pg_occ_\d+|occ_shown)\.(?:"(?:[^"]|"")+"|[\w$]+))', 'g') m
                GROUP BY 1 ORDER BY length(m[1]) DESC LOOP
        definition := replace(definition, name, occ.shown_name(name));
    END LOOP;
    RETURN definition;
END $$;

-- A routine's body; where it is not as its user wrote it, that stands behind it.
CREATE OR REPLACE FUNCTION occ.written(body text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(convert_from(decode(substring(body FROM '\n-- occ:([A-Za-z0-9+/=]+)$'), 'base64'), 'UTF8')::jsonb->>'body',
                    occ_shown.as_written(body))
$$;

CREATE OR REPLACE FUNCTION occ_shown.pg_get_functiondef(func oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT occ_shown.as_written(replace(pg_catalog.pg_get_functiondef(func), prosrc, occ.written(prosrc))) FROM pg_proc WHERE oid = func
$$;

-- An index as a cluster has it: of an access method of its own, and a primary key with all the other columns in it.
CREATE OR REPLACE FUNCTION occ_shown.of_cluster(definition text, index oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT replace(definition, ' USING btree (', ' USING btree_index (')
           || coalesce((SELECT format(' INCLUDE (%s)', string_agg(quote_ident(attname), ', ' ORDER BY attnum))
                          FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid
                         WHERE x.indexrelid = index AND x.indisprimary AND a.attnum > 0 AND NOT a.attisdropped
                           AND a.attnum <> ALL (x.indkey::int2[]) HAVING count(*) > 0), '')
$$;
CREATE OR REPLACE FUNCTION occ_shown.pg_get_indexdef(index oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT occ_shown.of_cluster(pg_catalog.pg_get_indexdef(index), index) $$;
CREATE OR REPLACE FUNCTION occ_shown.pg_get_indexdef(index oid, key integer, pretty boolean) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE key WHEN 0 THEN occ_shown.of_cluster(pg_catalog.pg_get_indexdef(index, 0, pretty), index)
                    ELSE pg_catalog.pg_get_indexdef(index, key, pretty) END $$;

-- A catalog over again: with definitions as they are to be shown, and with views that the triggers behind them let change.
CREATE OR REPLACE FUNCTION occ.shown_query(catalog regclass) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT regexp_replace(regexp_replace(regexp_replace(rtrim(pg_get_viewdef(catalog), ';'), '\mp\.prosrc\M', 'occ.written(p.prosrc)'), '\m(pg_get_(?:view|index)def)\(', 'occ_shown.\1(', 'g'),
                          '(\mpg_(?:relation|column)_is_updatable\((?:[^()]|\([^()]*\))*), false\)', '\1, true)', 'g')
$$;

CREATE OR REPLACE FUNCTION occ.shown_columns(catalog regclass, others jsonb) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(coalesce(others->>attname, quote_ident(attname)), ', ' ORDER BY attnum)
      FROM pg_attribute WHERE attrelid = catalog AND attnum > 0
$$;

-- Roles and IAM identities -----------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS occ.iam_mapping (
    iam_oid bigint GENERATED ALWAYS AS IDENTITY,
    arn text NOT NULL,
    role oid NOT NULL,
    grantor oid NOT NULL,
    PRIMARY KEY (role, arn)
);
-- A mapped role holds a privilege on this, which makes PostgreSQL refuse to drop it (2BP01).
CREATE TABLE IF NOT EXISTS occ.iam_dependency ();

CREATE OR REPLACE VIEW sys.iam_pg_role_mappings AS
    SELECT m.iam_oid::oid, m.arn, m.role AS pg_role_oid, r.rolname AS pg_role_name,
           m.grantor AS grantor_pg_role_oid, g.rolname AS grantor_pg_role_name
      FROM occ.iam_mapping m JOIN pg_roles r ON r.oid = m.role LEFT JOIN pg_roles g ON g.oid = m.grantor;
GRANT SELECT ON sys.iam_pg_role_mappings TO PUBLIC;

CREATE OR REPLACE FUNCTION occ.trusted_role(name text, arn text) RETURNS oid LANGUAGE plpgsql AS $$
DECLARE
    role pg_roles;
BEGIN
    IF session_user <> 'admin' THEN
        PERFORM occ.refuse('42501', format('permission denied to grant IAM trust with role %s', name), NULL, NULL);
    END IF;
    IF arn !~ '^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/.+$' THEN
        PERFORM occ.refuse('22023', 'IAM role must look like an IAM ARN', NULL, NULL);
    END IF;
    SELECT * INTO role FROM pg_roles WHERE rolname = name;
    IF NOT FOUND THEN
        PERFORM occ.refuse('42704', format('Role %s does not exist', name), NULL, NULL);
    ELSIF role.rolsuper OR name = 'admin' THEN
        PERFORM occ.refuse('0A000', format('Role %s not supported', name), NULL, NULL);
    ELSIF NOT role.rolcanlogin THEN
        PERFORM occ.refuse('22023', format('role %s must have the LOGIN attribute', name), NULL, NULL);
    END IF;
    RETURN role.oid;
END $$;

CREATE OR REPLACE FUNCTION sys.iam_grant(role text, arn text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO occ.iam_mapping (arn, role, grantor)
        SELECT iam_grant.arn, occ.trusted_role(iam_grant.role, iam_grant.arn), oid
          FROM pg_roles WHERE rolname = session_user ON CONFLICT DO NOTHING;
    EXECUTE format('GRANT SELECT ON occ.iam_dependency TO %I', role);
END $$;

CREATE OR REPLACE FUNCTION sys.iam_revoke(role text, arn text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    role_oid oid := occ.trusted_role(role, arn);
BEGIN
    DELETE FROM occ.iam_mapping m WHERE m.role = role_oid AND m.arn = iam_revoke.arn;
    IF NOT FOUND THEN
        PERFORM occ.refuse('42704', format('IAM role %s does not exist', arn), NULL, NULL);
    END IF;
    IF NOT EXISTS (SELECT FROM occ.iam_mapping m WHERE m.role = role_oid) THEN
        EXECUTE format('REVOKE SELECT ON occ.iam_dependency FROM %I', role);
    END IF;
END $$;

-- Jobs: what is started by a statement and done after its transaction -----------------------------------------------------

CREATE TABLE IF NOT EXISTS occ.job (
    job_id text PRIMARY KEY DEFAULT sys.uuid_to_base32_str(gen_random_uuid()),
    status text NOT NULL DEFAULT 'submitted',
    details text,
    job_type text NOT NULL,
    object_id oid,
    object_name text,
    start_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    update_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    statement text NOT NULL,
    path text NOT NULL,
    owner name NOT NULL DEFAULT session_user,
    pid int DEFAULT pg_backend_pid(),
    indexes bigint
);
-- In data kept from before 2026-11-28.
DROP FUNCTION IF EXISTS occ.submit_index(text, text, text, text);
ALTER TABLE occ.job ADD COLUMN IF NOT EXISTS pid int DEFAULT pg_backend_pid(), ADD COLUMN IF NOT EXISTS indexes bigint;
CREATE OR REPLACE VIEW sys.jobs AS
    SELECT job_id, status, details, job_type, 1259::oid AS class_id, object_id, object_name, start_time, update_time
      FROM occ.job WHERE update_time > now() - interval '30 minutes' OR status IN ('submitted', 'processing');
GRANT SELECT ON sys.jobs TO PUBLIC;

-- How many indexes a table has, those that are still to be built among them.
CREATE OR REPLACE FUNCTION occ.index_count(target regclass) RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce((SELECT max(indexes) FROM occ.job WHERE object_id = target AND status IN ('submitted', 'processing')),
                    (SELECT count(*) FROM pg_index WHERE indrelid = target))
$$;

CREATE OR REPLACE FUNCTION occ.submit(job_type text, target regclass, statement text, path text) RETURNS text
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO occ.job (indexes, job_type, object_id, object_name, statement, path)
        SELECT occ.index_count(target) + (job_type = 'INDEX_BUILD')::int, job_type, target, format('%s.%s', n.nspname, c.relname), statement, path
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target
    RETURNING job_id
$$;

-- Everything but the table's contents is judged at once, by doing it and taking it back.
CREATE OR REPLACE FUNCTION occ.rehearse(statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('occ.following', '1', true);
    EXECUTE statement;
    RAISE SQLSTATE 'OCCOK';
EXCEPTION
    WHEN SQLSTATE 'OCCOK' OR unique_violation OR foreign_key_violation OR check_violation THEN NULL;
END $$;

-- A predicate that ends a rehearsal at the first row, when all but the rows has been judged. It has to depend on a column,
-- or the planner would ask it before.
CREATE OR REPLACE FUNCTION occ.rehearsed(value anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE SQLSTATE 'OCCOK';
END $$;

-- `predicate` is the place behind WHERE in the statement, if it has one.
CREATE OR REPLACE FUNCTION occ.submit_index(statement text, name text, schema text, tbl text, predicate int) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    target regclass := concat_ws('.', quote_ident(schema), quote_ident(tbl))::regclass;
    rehearsed text := (SELECT format('occ.rehearsed(%I)', attname) FROM pg_attribute
                        WHERE attrelid = target AND attnum > 0 AND NOT attisdropped ORDER BY attnum LIMIT 1);
BEGIN
    IF occ.index_count(target) >= 24 THEN
        PERFORM occ.refuse('54000', 'more than 24 indexes per table are not allowed', NULL, NULL);
    END IF;
    PERFORM occ.rehearse(CASE WHEN rehearsed IS NULL THEN statement
        WHEN predicate IS NULL THEN concat(statement, E'\nWHERE ', rehearsed)
        ELSE concat(left(statement, predicate), ' ', rehearsed, ' AND (', substr(statement, predicate + 1), E'\n)') END);
    RETURN occ.submit('INDEX_BUILD', target, regexp_replace(statement, '\mINDEX\M', 'INDEX CONCURRENTLY', 'i'),
                      pg_catalog.current_setting('search_path'));
END $$;

-- What the engine makes of a table whose index was built or whose constraint was validated. The table's lock has other
-- schema changes of it come before or after.
CREATE OR REPLACE FUNCTION occ.follow_job(rel oid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_class WHERE oid = rel) THEN
        EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', rel::regclass);
        PERFORM set_config('occ.following', '', true);
        PERFORM occ.follow(ARRAY[rel], false);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION occ.submit_validation(schema text, tbl text, con text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    target regclass := concat_ws('.', quote_ident(schema), quote_ident(tbl))::regclass;
    statement text := format('ALTER TABLE %s VALIDATE CONSTRAINT %I', target, con);
BEGIN
    PERFORM occ.rehearse(statement);
    RETURN occ.submit('VALIDATE_CONSTRAINT', target, statement, pg_catalog.current_setting('search_path'));
END $$;

CREATE OR REPLACE FUNCTION occ.job_status(id text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job_status text;
BEGIN
    IF id !~ '^[a-z2-7]{26}$' THEN
        PERFORM occ.refuse('22P02', 'Unable to convert text to UUID', NULL, NULL);
    END IF;
    SELECT j.status INTO job_status FROM occ.job j WHERE job_id = id;
    IF NOT FOUND THEN
        PERFORM occ.refuse('42704', format('job "%s" does not exist', id), NULL, NULL);
    END IF;
    RETURN job_status;
END $$;

-- Each look needs a snapshot of its own, so it waits between transactions; nobody waits longer than a transaction may.
CREATE OR REPLACE PROCEDURE sys.wait_for_job(job_id text, INOUT succeeded boolean DEFAULT NULL) LANGUAGE plpgsql AS $$
BEGIN
    FOR attempt IN 1 .. 15000 LOOP
        CASE occ.job_status(job_id)
            WHEN 'completed' THEN succeeded := true; RETURN;
            WHEN 'failed', 'cancelled' THEN succeeded := false; RETURN;
            ELSE COMMIT; PERFORM pg_sleep(0.02);
        END CASE;
    END LOOP;
    succeeded := false;
END $$;

-- What sessions call of the above. The engine takes these rights from PUBLIC at each start, of every function in its schema.
GRANT EXECUTE ON FUNCTION occ.refuse, occ.fail_at_commit, occ.affect_row_twice, occ.reset_all, occ.trusted_role, occ.submit,
    occ.rehearse, occ.rehearsed, occ.index_count, occ.submit_index, occ.submit_validation, occ.job_status, occ.shown_name,
    occ.tell, occ.enters_ddl, occ.enters_dml, occ.enters_path, occ.mail, occ.translated, occ.written TO PUBLIC;

-- The bootstrap user: owner of public, maker of schemas and roles, no superuser. --------------------------------------------

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'admin') THEN
        CREATE ROLE admin LOGIN CREATEROLE;
    END IF;
    EXECUTE format('GRANT CREATE ON DATABASE %I TO admin', current_database());
    ALTER SCHEMA public OWNER TO admin;
END $$;
