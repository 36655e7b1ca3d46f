"""What users define is never computed with more than the engine's rights: it reads no file of the server."""

import pytest

from tests.fix_cluster import change
from tests.fix_sessions import Session, Stage

PEEK = """CREATE FUNCTION peek(v text) RETURNS boolean LANGUAGE sql IMMUTABLE AS
          $$ SELECT pg_read_file('/etc/hostname') || v IS NOT NULL $$"""
DENIED = "permission denied for function pg_read_file"


@pytest.fixture
def admin(stage: Stage, schema: str) -> Session:
    return stage.set_up(PEEK.replace("peek", f"{schema}.peek"))


def denied(session: Session, statement: str) -> None:
    error = session.fails(statement)
    assert (error.sqlstate, error.diag.message_primary) == ("42501", DENIED)


@pytest.mark.parametrize(
    "definition",
    [
        "v text CHECK (peek(v))",
        "v text DEFAULT peek('')::text",
        "v text, w boolean GENERATED ALWAYS AS (peek(v)) STORED",
        "v text CHECK (peek('a constant'))",
    ],
)
def test_a_column_reads_no_file(admin: Session, definition: str) -> None:
    admin(f"CREATE TABLE t (id int PRIMARY KEY, {definition})")
    denied(
        admin, "INSERT INTO t (id) VALUES (1)" if "DEFAULT" in definition else "INSERT INTO t (id, v) VALUES (1, 'x')"
    )


def test_a_domain_reads_no_file(admin: Session) -> None:
    admin("CREATE DOMAIN word AS text CHECK (peek(VALUE))")
    admin("CREATE TABLE t (id int PRIMARY KEY, v word)")
    denied(admin, "INSERT INTO t VALUES (1, 'x')")


def test_a_constraint_that_is_validated_later_reads_no_file(admin: Session) -> None:
    admin("CREATE TABLE t (id int PRIMARY KEY, v text)")
    admin("INSERT INTO t VALUES (1, 'x')")
    change(admin.connection, "ALTER TABLE t ADD CONSTRAINT c CHECK (peek(v)) NOT VALID")
    denied(admin, "ALTER TABLE ASYNC t VALIDATE CONSTRAINT c")


def test_an_index_reads_no_file(admin: Session) -> None:
    admin("CREATE TABLE t (id int PRIMARY KEY, v text)")
    admin("INSERT INTO t VALUES (1, 'x')")
    (job,) = admin("CREATE INDEX ASYNC i ON t (peek(v))")
    assert admin(f"CALL sys.wait_for_job('{job}')") == [False]
    assert admin(f"SELECT details FROM sys.jobs WHERE job_id = '{job}'") == [DENIED]


def test_an_index_of_an_empty_table_reads_no_file_at_commit(admin: Session) -> None:
    admin("CREATE TABLE t (id int PRIMARY KEY, v text)")
    assert admin.job("CREATE INDEX ASYNC i ON t (peek(v))")
    denied(admin, "INSERT INTO t VALUES (1, 'x')")


def test_a_name_in_the_search_path_does_not_stand_in_for_the_engines(admin: Session, schema: str) -> None:
    admin("CREATE TABLE t (id int PRIMARY KEY, v text)")
    for name in ("split_part(text, text, int)", "coalesce_(text)", "strpos(text, text)", "format(text)"):
        admin(f"CREATE FUNCTION {name} RETURNS text LANGUAGE sql AS 'SELECT pg_read_file(''/etc/hostname'')'")
    admin(f"SET search_path = {schema}, pg_catalog")
    admin("INSERT INTO t VALUES (1, 'x')")
    admin("UPDATE t SET v = 'y'")
    admin("CREATE TABLE u (id int PRIMARY KEY)")
    assert admin("SELECT v FROM t") == ["y"]
