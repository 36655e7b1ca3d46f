-- The engine's own home: what it remembers between DDL statements, and checks put off within a transaction.

-- Until all of the engine is there, nothing follows what changes.
DROP EVENT TRIGGER IF EXISTS occ_ddl_end;
DROP EVENT TRIGGER IF EXISTS occ_drop;

CREATE SCHEMA IF NOT EXISTS occ;

-- One row per user table. The names of its schema and relation are those of the last build,
-- so that a rename can be told from a new table.
CREATE TABLE IF NOT EXISTS occ.shadowed (
    base oid PRIMARY KEY,
    view oid NOT NULL,
    own oid NOT NULL,
    attnums int2[] NOT NULL,
    related oid[] NOT NULL,
    signature text,
    code text
);

-- What data kept from before 2026-11-23 has besides.
ALTER TABLE occ.shadowed DROP COLUMN IF EXISTS skip, ADD COLUMN IF NOT EXISTS code text;
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
