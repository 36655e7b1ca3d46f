-- The engine's own home: what it remembers between DDL statements, and checks put off within a transaction.

-- Until all of the engine is there, nothing follows what changes.
DROP EVENT TRIGGER IF EXISTS occ_ddl_end;
DROP EVENT TRIGGER IF EXISTS occ_drop;

CREATE SCHEMA IF NOT EXISTS occ;

-- The role of what is generated for a table. It reads and writes all tables, has no other rights, and cannot sign in.
DO $$
BEGIN
    IF to_regrole('pg_occ_engine') IS NULL THEN
        CREATE ROLE occ_engine NOLOGIN;
        -- As a system's role it is out of the users' sight in most clients.
        UPDATE pg_authid SET rolname = 'pg_occ_engine' WHERE rolname = 'occ_engine';
        GRANT pg_read_all_data, pg_write_all_data TO pg_occ_engine;
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
ALTER TABLE occ.shadowed DROP COLUMN IF EXISTS skip, ADD COLUMN IF NOT EXISTS code text, ADD COLUMN IF NOT EXISTS indexes oid[];
DROP FUNCTION IF EXISTS occ.set_constraints(text);

-- Foreign-key checks that failed at their row and are looked at again when the statement or the
-- transaction ends. Rows live and die within one transaction, like those of the overlays.
CREATE UNLOGGED TABLE IF NOT EXISTS occ.pending (
    pid int NOT NULL DEFAULT pg_backend_pid(),
    con oid NOT NULL,
    side "char" NOT NULL,
    key text[] NOT NULL
);
CREATE INDEX IF NOT EXISTS pending_pid ON occ.pending (pid);
