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


@pytest.mark.parametrize(
    "tried", ["DELETE FROM occ.job", "UPDATE occ.job SET status = 'mine'", "TABLE occ.iam_mapping"]
)
def test_a_check_changes_nothing_of_the_engines_and_sees_none(admin: Session, tried: str) -> None:
    """It is computed in the name of a role that may write all tables, so no row of these is for anybody."""
    admin("CREATE TABLE u (id int PRIMARY KEY, v int)")
    assert admin.job("CREATE INDEX ASYNC ON u (v)")
    jobs = admin("SELECT count(*) FROM sys.jobs WHERE status = 'completed'")
    body = f"BEGIN EXECUTE '{tried.replace(chr(39), chr(39) * 2)}'; RETURN NOT FOUND; END"
    admin(f"CREATE FUNCTION tries() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $f$ {body} $f$")
    admin("CREATE TABLE t (id int PRIMARY KEY, v text CHECK (tries()))")
    admin("INSERT INTO t VALUES (1, 'x')")
    assert admin("SELECT count(*) FROM sys.jobs WHERE status = 'completed'") == jobs


def test_a_check_adds_nothing_to_the_engines(admin: Session) -> None:
    grab = "INSERT INTO occ.iam_mapping (arn, role, grantor) VALUES ('arn:aws:iam::123456789012:user/x', 10, 10)"
    admin(f"CREATE FUNCTION grabs() RETURNS boolean LANGUAGE plpgsql AS $f$ BEGIN {grab}; RETURN true; END $f$")
    admin("CREATE TABLE t (id int PRIMARY KEY, v text CHECK (grabs()))")
    assert admin.refused("INSERT INTO t VALUES (1, 'x')") == "42501"


def test_a_name_in_the_search_path_does_not_stand_in_for_the_engines(admin: Session, schema: str) -> None:
    admin("CREATE TABLE t (id int PRIMARY KEY, v text)")
    for name in ("split_part(text, text, int)", "coalesce_(text)", "strpos(text, text)", "format(text)"):
        admin(f"CREATE FUNCTION {name} RETURNS text LANGUAGE sql AS 'SELECT pg_read_file(''/etc/hostname'')'")
    admin(f"SET search_path = {schema}, pg_catalog")
    admin("INSERT INTO t VALUES (1, 'x')")
    admin("UPDATE t SET v = 'y'")
    admin("CREATE TABLE u (id int PRIMARY KEY)")
    assert admin("SELECT v FROM t") == ["y"]
