"""Limits of a transaction and of connections: where they are checked, and what they say."""

import functools
from contextlib import AbstractContextManager

import psycopg
import pytest

from pytest_dsql.link.handle import Handle
from tests.fix_cluster import Cluster
from tests.fix_sessions import IDLE, Session, Stage, at_once

TABLE = "CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, v text)"
FILL = "INSERT INTO t SELECT n, 'x' FROM generate_series(1, {}) n"
TOO_MANY_ROWS = "transaction row limit exceeded"
MEBIBYTE = 1024 * 1024


@pytest.fixture
def session(module_stage: Stage) -> Session:
    """A session, and an empty table."""
    clean = module_stage.set_up(TABLE)
    while clean("DELETE FROM t WHERE id IN (SELECT id FROM t LIMIT 3000) RETURNING 1"):
        pass
    return module_stage.open()


def assert_limited(error: psycopg.Error, message: str) -> None:
    assert (error.sqlstate, error.diag.message_primary) == ("54000", message)


def test_3000_rows_pass_and_3001_do_not(session: Session) -> None:
    session(FILL.format(3000))
    assert session.tag == "INSERT 0 3000"
    session("DELETE FROM t")
    assert_limited(session.fails(FILL.format(3001)), TOO_MANY_ROWS)
    assert session("SELECT count(*) FROM t") == [0]


def test_rows_are_counted_over_the_transaction_and_at_the_statement(session: Session) -> None:
    session.begin()(FILL.format(2999))
    session("INSERT INTO t VALUES (3000, 'x')")
    assert_limited(session.fails("INSERT INTO t VALUES (3001, 'x')"), TOO_MANY_ROWS)
    assert session.refused("SELECT 1") == "25P02"
    session("COMMIT")
    assert session.tag == "ROLLBACK"
    assert session("SELECT count(*) FROM t") == [0]


@pytest.mark.parametrize("statement", ["UPDATE t SET v = 'y'", "DELETE FROM t", "UPDATE t SET id = id + 100000"])
def test_updated_and_deleted_rows_count(session: Session, statement: str) -> None:
    session(FILL.format(3000))
    session("INSERT INTO t VALUES (3001, 'x')")
    assert_limited(session.fails(statement), TOO_MANY_ROWS)
    session(statement + " WHERE id <= 3000")
    assert session.tag.endswith(" 3000")


def test_rows_touched_by_a_cascade_count(stage: Stage) -> None:
    session = stage.set_up(
        "CREATE TABLE parents (id int PRIMARY KEY)",
        "CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE)",
        "INSERT INTO parents VALUES (1)",
        "INSERT INTO children SELECT n, 1 FROM generate_series(1, 3000) n",
    )
    assert_limited(session.fails("DELETE FROM parents"), TOO_MANY_ROWS)


def test_rows_of_copy_count(session: Session) -> None:
    with pytest.raises(psycopg.Error) as caught, session.connection.cursor().copy("COPY t FROM STDIN") as copy:
        copy.write("".join(f"{number}\tx\n" for number in range(3001)))
    assert_limited(caught.value, TOO_MANY_ROWS)
    assert session("SELECT count(*) FROM t") == [0]


def test_read_rows_do_not_count(session: Session) -> None:
    session.begin()
    assert session("SELECT count(*) FROM generate_series(1, 10000)") == [10000]
    session(FILL.format(3000))
    assert not session.loses()


def test_10_mib_are_checked_at_commit(session: Session) -> None:
    session.begin()
    for number in range(12):
        session("INSERT INTO t VALUES (%s, %s)", number, "x" * 1_000_000)
    error = session.fails("COMMIT")
    assert_limited(error, "transaction size limit 10mb exceeded")
    assert "Current transaction size 12mb" in (error.diag.message_detail or "")
    assert session.status == IDLE
    assert session("SELECT count(*) FROM t") == [0]


def test_nine_megabytes_pass(session: Session) -> None:
    session.begin()
    for number in range(9):
        session("INSERT INTO t VALUES (%s, %s)", number, "x" * 1_000_000)
    assert not session.loses()
    assert session("SELECT count(*) FROM t") == [9]


def test_lower_limits_reach_new_sessions(module_stage: Stage, session: Session, handle: Handle) -> None:
    with handle.limits(rows=10, size=MEBIBYTE):
        limited = module_stage.open()
        assert_limited(limited.fails(FILL.format(11)), TOO_MANY_ROWS)
        big = "INSERT INTO t VALUES (1, repeat('x', 2000000))"
        assert limited.fails(big).sqlstate == "54000"
    module_stage.open()(FILL.format(11))


# Values, rows and keys

NOISE = "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, {}) n)"
"""Text that does not compress, 32 bytes a time."""


@pytest.fixture
def wide(module_stage: Stage) -> Session:
    """A session, and tables with columns of no fixed size."""
    module_stage.set_up(
        "CREATE TABLE IF NOT EXISTS wide (id int PRIMARY KEY, v text, b bytea, j jsonb)",
        "CREATE TABLE IF NOT EXISTS keyed (k text PRIMARY KEY)",
        "CREATE TABLE IF NOT EXISTS pairs (k text PRIMARY KEY, u text UNIQUE, n int)",
        "DELETE FROM wide",
        "DELETE FROM keyed",
        "DELETE FROM pairs",
    )
    return module_stage.open()


@pytest.mark.parametrize(
    ("value", "kind"),
    [(f"v) VALUES (1, {NOISE}", "text"), (f"b) VALUES (1, convert_to({NOISE}, 'UTF8')", "bytea"),
     (f"j) VALUES (1, to_jsonb({NOISE})", "jsonb")],
)  # fmt: skip
def test_a_value_has_a_mebibyte(wide: Session, value: str, kind: str) -> None:
    wide(f"INSERT INTO wide (id, {value.format(20_000)})")
    wide("DELETE FROM wide")
    error = wide.fails(f"INSERT INTO wide (id, {value.format(40_000)})")
    assert_limited(error, f"datatype limit greater than 1048576 bytes not supported for {kind}")


def test_a_value_is_measured_compressed(wide: Session) -> None:
    wide("INSERT INTO wide (id, v) VALUES (1, repeat('x', 3000000))")
    assert_limited(
        wide.fails(f"UPDATE wide SET v = {NOISE.format(40_000)}"),
        "datatype limit greater than 1048576 bytes not supported for text",
    )


def test_a_row_has_two_mebibytes(wide: Session) -> None:
    row = (
        f"INSERT INTO wide SELECT 1, x, convert_to(x, 'UTF8'), to_jsonb(x) FROM (SELECT {NOISE.format(30_000)} AS x) q"
    )
    assert_limited(wide.fails(row), "maximum row size exceeded")


def test_a_key_has_about_two_kilobytes(wide: Session) -> None:
    wide("INSERT INTO keyed VALUES (repeat('k', 1981))")
    assert_limited(wide.fails("INSERT INTO keyed VALUES (repeat('l', 1982))"), "key size too large")
    assert_limited(wide.fails("UPDATE keyed SET k = repeat('l', 1982)"), "key size too large")


def test_an_index_holds_the_primary_key_too(wide: Session) -> None:
    wide("INSERT INTO pairs VALUES (repeat('k', 1000), repeat('u', 973))")
    assert_limited(wide.fails("UPDATE pairs SET u = repeat('u', 974)"), "key size too large")
    wide("UPDATE pairs SET n = 1")


# Age


@pytest.fixture
def aged(handle: Handle) -> AbstractContextManager[None]:
    """In its block every transaction is too old for its second statement."""
    return handle.limits(transaction_s=0)


@pytest.mark.parametrize("statement", ["SELECT 1", "UPDATE t SET v = 'z'", "SELECT * FROM t"])
def test_an_old_transaction_fails_at_its_next_statement(
    session: Session, aged: AbstractContextManager[None], statement: str
) -> None:
    session.begin()
    with aged:
        error = session.fails(statement)
        assert_limited(error, "transaction age limit of 0s exceeded")
        assert "Current transaction age 0s exceeds 0s" in (error.diag.message_detail or "")
        assert session.refused("SELECT 1") == "25P02"
    session("ROLLBACK")
    assert session("SELECT 1") == [1]


def test_an_old_transaction_fails_at_commit(session: Session, aged: AbstractContextManager[None]) -> None:
    session.begin()("INSERT INTO t VALUES (1, 'x')")
    with aged:
        assert_limited(session.fails("COMMIT"), "transaction age limit of 0s exceeded")
        assert session.status == IDLE
    assert session("SELECT count(*) FROM t") == [0]


def test_an_old_transaction_can_be_rolled_back(session: Session, aged: AbstractContextManager[None]) -> None:
    session.begin()
    with aged:
        session("ROLLBACK")
        assert session("SELECT 1") == [1]


# Storage

FULL = ("53100", "Current cluster size exceeds cluster size limit.")


@pytest.mark.parametrize("prepare", [False, True], ids=["simple", "prepared"])
def test_a_full_cluster_refuses_a_commit_of_changes(session: Session, handle: Handle, prepare: bool) -> None:
    with handle.limits(storage=0):
        session.begin()
        session.connection.execute("INSERT INTO t VALUES (1, 'x')", prepare=prepare)
        error = session.fails("COMMIT")
        assert (error.sqlstate, error.diag.message_primary) == FULL
        assert session.refused("INSERT INTO t VALUES (2, 'x')") == FULL[0]
    session("INSERT INTO t VALUES (3, 'x')")
    assert session("SELECT id FROM t") == [3]


def test_a_full_cluster_is_read_and_its_tables_can_go(session: Session, handle: Handle) -> None:
    session("CREATE TABLE IF NOT EXISTS large (id int)")
    with handle.limits(storage=0):
        session.begin()("SELECT * FROM t")
        assert not session.loses()
        session("DROP TABLE large")


def test_what_it_has_by_itself_fills_no_cluster(session: Session, handle: Handle) -> None:
    with handle.limits(storage=100 * MEBIBYTE):
        session("INSERT INTO t VALUES (1, 'x')")


# Connections


def test_too_many_connections(cluster: Cluster, handle: Handle) -> None:
    with handle.limits(connections=0), pytest.raises(psycopg.OperationalError) as caught:
        cluster.connect()
    assert "FATAL:  Unable to accept connection, too many open connections." in str(caught.value)
    cluster.connect()


def test_connections_come_too_fast(cluster: Cluster, handle: Handle) -> None:
    with handle.limits(connect_burst=0), pytest.raises(psycopg.OperationalError) as caught:
        cluster.connect()
    assert "FATAL:  Unable to accept connection, rate exceeded." in str(caught.value)


def test_a_session_ends_after_its_time(cluster: Cluster, handle: Handle) -> None:
    with handle.limits(session_s=0.2):
        ending = Session(cluster.connect())
    assert isinstance(at_once(functools.partial(ending.fails, "SELECT pg_sleep(5)")), psycopg.OperationalError)
    assert ending.connection.closed


def test_an_expired_session_keeps_nothing(module_stage: Stage, session: Session, handle: Handle) -> None:
    session.begin()("INSERT INTO t VALUES (1, 'x')")
    handle.expire(session.pid)
    assert isinstance(session.fails("COMMIT"), psycopg.OperationalError)
    assert module_stage.open()("SELECT count(*) FROM t") == [0]


def test_max_connections_is_not_the_quota(session: Session) -> None:
    assert session("SHOW max_connections") == ["20"]


# Names of limits in definitions


@pytest.mark.parametrize(
    ("statement", "sqlstate", "message"),
    [
        (
            "CREATE TABLE wide (v varchar(65536))",
            None,
            "Datatype limit greater than 65535 bytes not supported for varchar",
        ),
        ("CREATE TABLE wide (v char(4097))", None, "Datatype limit greater than 4096 bytes not supported for char"),
        (
            "CREATE TABLE x (a varchar(1000), b varchar(1001), PRIMARY KEY (a, b))",
            "0A000",
            "key size greater than 2000 bytes not supported",
        ),
        (
            "CREATE VIEW x AS SELECT '" + "x" * 2 * MEBIBYTE + "'",
            "54000",
            "view definition too large",
        ),
        ("CREATE TABLE wide (v numeric(1001, 0))", "22023", "NUMERIC precision 1001 must be between 1 and 1000"),
        ("CREATE TABLE wide (v numeric(9, 1001))", "22023", "NUMERIC scale 1001 must be between -1000 and 1000"),
        (
            f"CREATE TABLE wide ({' int, '.join('abcdefghi')} int, PRIMARY KEY ({', '.join('abcdefghi')}))",
            "54011",
            "more than 8 column keys in an index are not supported",
        ),
    ],
)
def test_definitions_have_limits(session: Session, statement: str, sqlstate: str | None, message: str) -> None:
    error = session.fails(statement)
    assert sqlstate in {None, error.sqlstate}
    assert message.lower() in str(error).lower()


def test_a_table_has_24_indexes_with_those_still_to_be_built(stage: Stage) -> None:
    columns = ", ".join(f"c{number} int" for number in range(24))
    session = stage.set_up(f"CREATE TABLE many (id int PRIMARY KEY, u int UNIQUE, {columns})")
    jobs = [session(f"CREATE INDEX ASYNC ON many (c{number})")[0] for number in range(22)]
    error = session.fails("CREATE INDEX ASYNC ON many (c22)")
    assert_limited(error, "more than 24 indexes per table are not allowed")
    # A build that ends is news to the sessions of other tests.
    assert session(f"CALL sys.wait_for_job('{jobs[-1]}')") == [True]


def test_a_table_has_had_1600_columns(stage: Stage) -> None:
    session = stage.set_up("CREATE TABLE ever (id int PRIMARY KEY)")
    for batch in range(7):
        for change in ("ADD COLUMN c{}_{} int", "DROP COLUMN c{}_{}"):
            session("ALTER TABLE ever " + ", ".join(change.format(batch, number) for number in range(228)))
    error = session.fails("ALTER TABLE ever " + ", ".join(f"ADD COLUMN c{number} int" for number in range(4)))
    assert (error.sqlstate, error.diag.message_primary) == ("54011", "tables can have at most 1600 columns")
    session("ALTER TABLE ever ADD COLUMN last int")
    assert session("INSERT INTO ever VALUES (1, 2) RETURNING last") == [2]


def test_a_table_has_five_extended_statistics(stage: Stage) -> None:
    session = stage.set_up("CREATE TABLE known (id int PRIMARY KEY, a int, b int)")
    for number in range(5):
        session(f"CREATE STATISTICS s{number} ON a, b FROM known")
    error = session.fails("CREATE STATISTICS s5 ON a, b FROM known")
    assert_limited(error, "more than 5 extended statistics per table are not allowed")
    session("DROP STATISTICS s0")
    session("CREATE STATISTICS s5 ON a, b FROM known")
    error = session.fails("ALTER STATISTICS s5 SET STATISTICS 101")
    text = "statistics target 101 exceeds maximum allowed value of 100"
    assert (error.sqlstate, error.diag.message_primary) == ("22023", text)
