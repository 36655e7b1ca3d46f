"""Transactions: one isolation level, what fails them and what that leaves, DDL alone and once."""

import pytest
from psycopg import pq

from tests.fix_cluster import Cluster
from tests.fix_sessions import IDLE, Session, Stage, at_once

TABLE = "CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, v int)"
FAILED = pq.TransactionStatus.INERROR


@pytest.fixture
def session(module_stage: Stage) -> Session:
    """A session, and a table with two rows."""
    module_stage.set_up(TABLE, "DELETE FROM t", "INSERT INTO t VALUES (1, 1), (2, 2)")
    return module_stage.open()


def test_there_is_one_isolation_level(session: Session) -> None:
    assert session("SHOW transaction_isolation") == ["repeatable read"]
    session("BEGIN ISOLATION LEVEL REPEATABLE READ")
    session("COMMIT")
    assert session.tag == "COMMIT"


def test_a_session_may_be_made_to_read_only(session: Session) -> None:
    session("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    assert session("SHOW default_transaction_read_only") == ["on"]
    for verb, statement in (
        ("CREATE TABLE", "CREATE TABLE x (id int)"),
        ("INSERT", "INSERT INTO t VALUES (9, 9)"),
        ("INSERT", "INSERT INTO t VALUES (9, 9) ON CONFLICT DO NOTHING"),
        ("SELECT FOR UPDATE", "SELECT * FROM t FOR UPDATE"),
        ("SELECT FOR KEY SHARE", "SELECT * FROM t FOR KEY SHARE"),
    ):
        error = session.fails(statement)
        assert error.sqlstate == "25006"
        assert error.diag.message_primary == f"cannot execute {verb} in a read-only transaction"
    session("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
    session("UPDATE t SET v = v")


def test_reset_all_makes_a_session_write_again(session: Session) -> None:
    session("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    session("RESET ALL")
    assert session("SHOW default_transaction_read_only") == ["off"]


UNSUPPORTED = {
    "BEGIN ISOLATION LEVEL SERIALIZABLE": "Unsupported isolation level: SERIALIZABLE",
    "START TRANSACTION ISOLATION LEVEL READ COMMITTED": "Unsupported isolation level: READ COMMITTED",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE": "Unsupported isolation level: SERIALIZABLE",
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ": 'setting configuration parameter "TRANSACTION" not supported',
    "SET TRANSACTION READ ONLY": 'setting configuration parameter "TRANSACTION" not supported',
    "SET default_transaction_isolation = 'serializable'": (
        'setting configuration parameter "default_transaction_isolation" not supported'
    ),
    "SAVEPOINT s": "unsupported transaction statement: SAVEPOINT",
    "ROLLBACK TO SAVEPOINT s": "unsupported transaction statement: ROLLBACK TO",
    "SET statement_timeout = 1000": 'setting configuration parameter "statement_timeout" not supported',
    "SET lock_timeout = 1000": 'setting configuration parameter "lock_timeout" not supported',
}


@pytest.mark.parametrize("statement", UNSUPPORTED)
def test_unsupported_settings_of_a_transaction(session: Session, statement: str) -> None:
    error = session.fails(statement)
    assert (error.sqlstate, error.diag.message_primary) == ("0A000", UNSUPPORTED[statement])
    assert session("SELECT 1") == [1], "outside a transaction a refusal leaves nothing behind"


@pytest.mark.parametrize(
    "statement", ["SAVEPOINT s", "SELECT 1 / 0", "TRUNCATE t", "SELECT * FROM missing", "nonsense"]
)
def test_any_error_aborts_the_transaction(session: Session, statement: str) -> None:
    session.begin()("UPDATE t SET v = 9")
    session.fails(statement)
    assert session.status == FAILED
    for next_one in ("SELECT 1", "TRUNCATE t", "SAVEPOINT s"):
        error = session.fails(next_one)
        assert error.sqlstate == "25P02"
        assert "current transaction is aborted, commands ignored until end of transaction block" in str(error)
    session("COMMIT")
    assert session.tag == "ROLLBACK"
    assert session("SELECT v FROM t ORDER BY id") == [1, 2]


def test_rollback_recovers(session: Session) -> None:
    session.begin()
    session.fails("SELECT 1 / 0")
    session("ROLLBACK")
    assert session.tag == "ROLLBACK"
    assert session.status == IDLE
    assert session("SELECT v FROM t ORDER BY id") == [1, 2]


@pytest.mark.parametrize("begin", ["BEGIN READ ONLY", "START TRANSACTION READ ONLY"])
def test_read_only_transactions(session: Session, begin: str) -> None:
    session(begin)
    assert session("SELECT v FROM t ORDER BY id") == [1, 2]
    assert session.refused("UPDATE t SET v = 9") == "25006"
    session("ROLLBACK")
    assert session("SELECT v FROM t ORDER BY id") == [1, 2]


def test_constraints_may_be_set_deferred(session: Session) -> None:
    session.begin()("UPDATE t SET v = 5 WHERE id = 1")
    session("SET CONSTRAINTS ALL DEFERRED")
    session("SET CONSTRAINTS ALL IMMEDIATE")
    session("UPDATE t SET v = 6 WHERE id = 1")
    assert not session.loses()
    assert session("SELECT v FROM t ORDER BY id") == [6, 2]


def test_reset_all_in_a_transaction_keeps_its_writes(session: Session) -> None:
    session.begin()("UPDATE t SET v = 5 WHERE id = 1")
    session("RESET ALL")
    session("UPDATE t SET v = 6 WHERE id = 2")
    assert not session.loses()
    assert session("SELECT v FROM t ORDER BY id") == [5, 6]


# DDL


def test_ddl_alone_is_transactional(stage: Stage) -> None:
    session = stage.open()
    session("BEGIN")
    session("CREATE TABLE one (id int)")
    session("ROLLBACK")
    assert session.refused("SELECT * FROM one") == "42P01"
    session("BEGIN")
    session("CREATE TABLE one (id int)")
    session("COMMIT")
    assert session("SELECT * FROM one") == []


MULTIPLE = "multiple ddl statements not supported in a transaction"
MIXED = "ddl and dml are not supported in the same transaction"


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (("CREATE TABLE one (id int)", "CREATE TABLE two (id int)"), MULTIPLE),
        (("CREATE TABLE one (id int)", "GRANT SELECT ON one TO admin"), MULTIPLE),
        (("CREATE TABLE one (id int)", "CREATE INDEX ASYNC ON t (id)"), MULTIPLE),
        (("CREATE TABLE one (id int)", "INSERT INTO t VALUES (1)"), MIXED),
        (("INSERT INTO t VALUES (1)", "CREATE TABLE one (id int)"), MIXED),
        (("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", "DROP TABLE t"), MIXED),
    ],
)
def test_one_ddl_and_nothing_beside_it(stage: Stage, statements: tuple[str, ...], message: str) -> None:
    stage.set_up("CREATE TABLE t (id int PRIMARY KEY)")
    session = stage.open()
    session("BEGIN")
    for statement in statements[:-1]:
        session(statement)
    error = session.fails(statements[-1])
    assert (error.sqlstate, error.diag.message_primary) == ("0A000", message)
    assert session.refused("SELECT 1") == "25P02"
    session("ROLLBACK")
    assert session("SELECT * FROM t") == []


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        ("CREATE TABLE one (id int); CREATE TABLE two (id int)", MULTIPLE),
        ("CREATE TABLE one (id int); INSERT INTO one VALUES (1)", MIXED),
    ],
)
def test_a_message_of_several_statements_is_one_transaction(stage: Stage, message: str, refusal: str) -> None:
    session = stage.open()
    error = session.fails(message)
    assert (error.sqlstate, error.diag.message_primary) == ("0A000", refusal)
    assert session.refused("SELECT * FROM one") == "42P01"


def test_a_failing_statement_undoes_those_before_it_in_its_message(session: Session) -> None:
    assert session.refused("UPDATE t SET v = 9; SELECT 1 / 0; UPDATE t SET v = 10") == "22012"
    assert session("SELECT v FROM t ORDER BY id") == [1, 2]
    assert session.status == IDLE


def test_a_message_may_hold_a_whole_transaction(session: Session) -> None:
    session("BEGIN; UPDATE t SET v = 9; COMMIT; UPDATE t SET v = v + 1 WHERE id = 1")
    assert session("SELECT v FROM t ORDER BY id") == [10, 9]


def test_a_message_that_conflicts_fails_as_one(module_stage: Stage, session: Session) -> None:
    other = module_stage.open().begin()
    other("UPDATE t SET v = 5 WHERE id = 1")
    session("UPDATE t SET v = 9 WHERE id = 2; UPDATE t SET v = 9 WHERE id = 1")
    assert other.loses()
    assert session("SELECT v FROM t ORDER BY id") == [9, 9]


def test_what_one_begin_left_open_commits_later(session: Session) -> None:
    session("BEGIN; UPDATE t SET v = 9 WHERE id = 1")
    assert session("SELECT v FROM t ORDER BY id") == [9, 2]
    session("ROLLBACK")
    assert session("SELECT v FROM t ORDER BY id") == [1, 2]


def test_chained_transactions(session: Session) -> None:
    session.begin()("UPDATE t SET v = 9 WHERE id = 1")
    session("COMMIT AND CHAIN")
    assert session.status == pq.TransactionStatus.INTRANS
    session("UPDATE t SET v = 9 WHERE id = 2")
    session("ROLLBACK AND CHAIN")
    assert session("SELECT v FROM t ORDER BY id") == [9, 2]
    session("ROLLBACK")


def test_a_transaction_that_ended_leaves_the_session_as_it_was(session: Session) -> None:
    session("COMMIT")
    session("ROLLBACK")
    assert session.status == IDLE
    assert session("SELECT count(*) FROM t") == [2]


def test_cancel_requests_are_ignored(cluster: Cluster, session: Session) -> None:
    def sleep() -> list[object]:
        session.connection.pgconn.send_query(b"SELECT pg_sleep(0.3), 1 AS slept")
        session.connection.cancel_safe(timeout=2)
        result = session.connection.pgconn.get_result()
        return [result.status if result else None]

    assert at_once(sleep, 10) == [pq.ExecStatus.TUPLES_OK]


@pytest.mark.parametrize("first", ["SET search_path = public", "SET application_name = 'x'", "SHOW search_path"])
def test_a_schema_change_may_follow_a_setting(stage: Stage, first: str) -> None:
    session = stage.open()
    (schema,) = session("SELECT current_schema()")
    session("BEGIN")
    session(first)
    session(f"CREATE TABLE {schema}.made (id int PRIMARY KEY)")
    session("COMMIT")
    assert session(f"SELECT id FROM {schema}.made") == []
