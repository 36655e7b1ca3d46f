-- The engine's own home: what it remembers between DDL statements, and checks put off within a transaction.

-- Until all of the engine is there, nothing follows what changes.
DROP EVENT TRIGGER IF EXISTS occ_ddl_end;
DROP EVENT TRIGGER IF EXISTS occ_drop;

CREATE SCHEMA IF NOT EXISTS occ;

-- The role of what is generated for a table. It reads and writes all tables, has no other rights, and cannot sign in.
DO $$
BEGIN
    IF to_regrole('@ROLE@') IS NULL THEN
        CREATE ROLE occ_engine NOLOGIN;
        -- As a system's role it is out of the users' sight in most clients.
        UPDATE pg_authid SET rolname = '@ROLE@' WHERE rolname = 'occ_engine';
        GRANT pg_read_all_data, pg_write_all_data TO @ROLE@;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- another database of this server has just made it
END $$;

-- One row per user table. The names of its schema and relation are those of the last build,
-- so that a rename can be told from a new table.
CREATE TABLE IF NOT EXISTS occ.shadowed (
    base oid PRIMARY KEY,
    view oid NOT NULL,
    own oid NOT NULL,
    attnums int2[] NOT NULL,
    related oid[] NOT NULL,
    signature text,
    code text,
    indexes oid[]
);

-- What data kept from before 2026-11-23 has besides.
ALTER TABLE occ.shadowed DROP COLUMN IF EXISTS skip, ADD COLUMN IF NOT EXISTS code text,
    ADD COLUMN IF NOT EXISTS indexes oid[];

-- The functions of an earlier version go, except where something stands on them.
DO $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'occ'::regnamespace
                AND NOT EXISTS (SELECT FROM pg_depend
                                 WHERE refclassid = 'pg_proc'::regclass AND refobjid = pg_proc.oid) LOOP
        EXECUTE format('DROP FUNCTION %s', f);
    END LOOP;
END $$;

-- Foreign-key checks that failed at their row and are looked at again when the statement or the
-- transaction ends. Rows live and die within one transaction, like those of the overlays.
CREATE UNLOGGED TABLE IF NOT EXISTS occ.pending (
    pid int NOT NULL DEFAULT pg_backend_pid(),
    con oid NOT NULL,
    side "char" NOT NULL,
    key text[] NOT NULL
);
CREATE INDEX IF NOT EXISTS pending_pid ON occ.pending (pid);
