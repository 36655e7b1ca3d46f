"""Statements DSQL does not run, by the texts it was recorded to give."""

import pytest

from tests.unit.dialect.bank_catalog import judge, refused

BY_NODE_NAME = [
    ("TRUNCATE accounts, notes", "Truncate"),
    ("CREATE EXTENSION hstore", "CreateExtension"),
    ("CREATE DATABASE shop", "Createdb"),
    ("CREATE TABLE copy AS SELECT 1", "CreateTableAs"),
    ("CREATE MATERIALIZED VIEW m AS SELECT 1", "CreateTableAs"),
    ("SELECT 1 AS x INTO copy", "CreateTableAs"),
    ("EXPLAIN CREATE TABLE copy AS SELECT 1", "CreateTableAs"),
    ("CREATE TYPE pair AS (a int, b int)", "CompositeType"),
    ("CREATE TYPE span AS RANGE (subtype = int8)", "CreateRange"),
    ("CREATE TABLESPACE fast LOCATION '/fast'", "CreateTableSpace"),
    ("CREATE FOREIGN TABLE far (id int) SERVER s", "CreateForeignTable"),
    ("LISTEN news", "Listen"),
    ("NOTIFY news, 'x'", "Notify"),
    ("UNLISTEN *", "Unlisten"),
    ("ALTER SYSTEM SET work_mem = '1MB'", "AlterSystem"),
    ("LOCK TABLE accounts IN SHARE MODE", "Lock"),
    ("DECLARE c CURSOR FOR SELECT 1", "DeclareCursor"),
    ("FETCH ALL FROM c", "Fetch"),
    ("CREATE POLICY p ON accounts", "CreatePolicy"),
    ("CREATE AGGREGATE a (int) (sfunc = f, stype = int)", "Define"),
    ('CREATE COLLATION c FROM "C"', "Define"),
    ("ALTER TEXT SEARCH CONFIGURATION english DROP MAPPING FOR word", "AlterTSConfiguration"),
    ("PREPARE p AS SELECT 1", "Prepare"),
    ("REFRESH MATERIALIZED VIEW m", "RefreshMatView"),
]
BY_TEXT = [
    ("CREATE TRIGGER t AFTER INSERT ON accounts EXECUTE FUNCTION f()", "CREATE TRIGGER not supported"),
    ("CREATE TYPE mood AS ENUM ('ok')", "CREATE TYPE not supported"),
    ("ALTER TYPE mood ADD VALUE 'sad' BEFORE 'ok'", "ALTER TYPE not supported"),
    ("ALTER TYPE mood RENAME TO feeling", "unsupported object in RENAME statement"),
    ("DROP TYPE mood CASCADE", "unsupported object in DROP statement"),
    ("DROP MATERIALIZED VIEW m", "unsupported object in DROP statement"),
    ("VACUUM FULL accounts", "unsupported VACUUM statement"),
    (
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS ''",
        "CREATE FUNCTION with language plpython3u not supported",
    ),
    ("CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x', 'y'", "CREATE FUNCTION with language c not supported"),
    ("DO LANGUAGE plperl ''", 'language "plperl" does not support inline code execution'),
    (
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET work_mem = '1MB' AS 'SELECT 1'",
        'setting configuration parameter "work_mem" not supported',
    ),
    ("CALL sys.wait_for_job((SELECT 'x'))", "cannot use subquery in CALL argument"),
    ("DROP INDEX CONCURRENTLY i", "DROP INDEX CONCURRENTLY must be first action in transaction"),
    ("DROP DOMAIN amount CASCADE", "DROP DOMAIN with CASCADE unsupported"),
    ("ALTER DOMAIN amount SET NOT NULL", "unsupported ALTER DOMAIN SET NOT NULL statement"),
    ("ALTER DOMAIN amount ADD CHECK (VALUE > 0)", "unsupported ALTER DOMAIN ADD CONSTRAINT statement"),
    ("MERGE INTO accounts USING notes ON true WHEN MATCHED THEN DELETE", "unsupported statement type: MERGE"),
    ("GRANT USAGE ON SCHEMA public TO app", "feature not supported on system entity"),
    ("GRANT CONNECT ON DATABASE postgres TO app", "unsupported object type in GRANT"),
]
ACCEPTED = [
    "CREATE DOMAIN amount AS numeric(10, 2) CHECK (VALUE > 0)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE PROCEDURE p() LANGUAGE sql AS ''",
    "DROP PROCEDURE p",
    "ALTER ROUTINE p RENAME TO q",
    "GRANT EXECUTE ON PROCEDURE p TO app",
    "CREATE ROLE app WITH LOGIN",
    "ALTER ROLE app RENAME TO worker",
    "ALTER USER app SET search_path = shop",
    "CREATE SCHEMA shop",
    "DROP TABLE IF EXISTS accounts",
    "DROP DOMAIN amount",
    "ALTER DOMAIN amount SET DEFAULT 1",
    "ALTER VIEW v SET (security_barrier = true)",
    "ALTER VIEW v RESET (security_barrier)",
    "DROP SEQUENCE s CASCADE",
    "ALTER SEQUENCE s INCREMENT BY 2",
    "GRANT SELECT ON ALL TABLES IN SCHEMA old TO app",
    "GRANT app TO worker",
    "COMMENT ON TABLE accounts IS 'x'",
    "ANALYZE accounts",
    "DEALLOCATE ALL",
    "CALL sys.wait_for_job('x')",
]


@pytest.mark.parametrize(("sql", "name"), BY_NODE_NAME)
def test_unknown_statement_is_refused_by_its_node_name(sql: str, name: str) -> None:
    assert refused(sql) == ("0A000", f"unsupported statement: {name}")


@pytest.mark.parametrize(("sql", "message"), BY_TEXT)
def test_statement_is_refused_by_its_own_text(sql: str, message: str) -> None:
    assert refused(sql) == ("0A000", message)


@pytest.mark.parametrize("sql", ACCEPTED)
def test_known_statement_passes_unchanged(sql: str) -> None:
    statement = judge(sql)
    assert (statement.refusal, statement.sql) == (None, sql)


def test_refusal_carries_no_position_where_postgres_gives_none() -> None:
    refusal = judge("TRUNCATE accounts").refusal
    assert refusal is not None
    assert refusal.position is None
