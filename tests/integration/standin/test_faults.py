"""The handle: commits that fail or are cut, latency, sessions that end; all of it over with its ``with`` block."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import pq

from pytest_dsql.link.handle import ControlError, Handle
from pytest_dsql.link.messages import Message
from tests.fix_alone import Alone
from tests.fix_cluster import change
from tests.fix_principals import Caller, mapped, policy
from tests.fix_sessions import IDLE, Session, Stage

INSERT = "INSERT INTO t VALUES (%s)"


@pytest.fixture
def session(handle: Handle, module_stage: Stage) -> Session:
    """A session, and an empty table."""
    module_stage.set_up("CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY)", "DELETE FROM t")
    return module_stage.open()


@pytest.fixture
def rows(module_stage: Stage) -> Callable[[], list[int]]:
    """Read the table by a session of its own."""
    return lambda: module_stage.open()("SELECT id FROM t ORDER BY id")


def test_the_next_commits_fail(session: Session, handle: Handle, rows: Callable[[], list[int]]) -> None:
    with handle.fault("fail", times=2) as fault:
        for number, lost in enumerate((True, True, False)):
            session.begin()(INSERT, number)
            assert session.loses() is lost
    assert fault.times == 2
    assert rows() == [2]


def test_an_autocommit_write_is_a_commit(session: Session, handle: Handle, rows: Callable[[], list[int]]) -> None:
    with handle.fault("fail"):
        assert session("SELECT 1") == [1]
        assert session.refused(INSERT, 1) == "40001"
        assert session.status == IDLE
        session(INSERT, 2)
    assert rows() == [2]


@pytest.mark.parametrize("call", ["SELECT outer_()", "CALL p()"])
def test_an_autocommit_call_that_writes_is_a_commit(session: Session, handle: Handle, call: str) -> None:
    for definition in (
        "FUNCTION inner_() RETURNS void LANGUAGE plpgsql AS 'BEGIN INSERT INTO t VALUES (1); END'",
        "FUNCTION outer_() RETURNS void LANGUAGE sql AS 'SELECT inner_()'",
        "FUNCTION looks() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t'",
        "PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN PERFORM outer_(); END'",
    ):
        session(f"CREATE OR REPLACE {definition}")
    with handle.fault("fail", table="t") as applied:
        session("SELECT looks()")
        assert session.refused(call) == "40001"
    assert applied.times == 1
    session(call)


def test_a_message_of_several_statements_fails_as_one(
    session: Session, handle: Handle, rows: Callable[[], list[int]]
) -> None:
    with handle.fault("fail"):
        assert session.refused("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)") == "40001"
    assert rows() == []


def test_a_failure_says_what_it_is_told_to(session: Session, handle: Handle) -> None:
    with handle.fault("fail", sqlstate="XX000", message="server unavailable"):
        session.begin()(INSERT, 1)
        error = session.fails("COMMIT")
        assert (error.sqlstate, error.diag.message_primary) == ("XX000", "server unavailable")
        assert session.status == IDLE
        assert session("SELECT count(*) FROM t") == [0]


def test_a_commit_fails_as_of_a_schema_change(session: Session, handle: Handle) -> None:
    with handle.fault("fail", code="OC001"):
        session.begin()(INSERT, 1)
        assert session.loses("OC001")
    assert session("SELECT id FROM t") == []


@pytest.mark.parametrize("statement", ["SELECT 1", "SELECT relname FROM pg_class", "CREATE TABLE v (id int)"])
def test_in_the_worst_case_any_statement_meets_a_schema_change(stage: Stage, handle: Handle, statement: str) -> None:
    with handle.strict_catalog():
        strict = stage.open()
    change(stage.open().connection, "CREATE TABLE u (id int)")
    error = strict.fails(statement)
    assert (error.sqlstate, "OC001" in str(error)) == ("40001", True)
    strict(statement)


def test_a_fault_of_a_session_is_not_anothers(session: Session, module_stage: Stage, handle: Handle) -> None:
    other = module_stage.open()
    with handle.fault("fail", session=session.pid):
        other(INSERT, 1)
        assert session.refused(INSERT, 2) == "40001"


def test_a_fault_of_a_table_is_not_anothers(session: Session, module_stage: Stage, handle: Handle) -> None:
    module_stage.set_up("CREATE TABLE IF NOT EXISTS u (id int)")
    session.catch_up()
    with handle.fault("fail", table="t") as fault:
        session("INSERT INTO u VALUES (1)")
        session.begin()("SELECT * FROM t")
        assert not session.loses()
        session.begin()("INSERT INTO u VALUES (1)")
        session(INSERT, 1)
        assert session.loses()
    assert fault.times == 1


@pytest.mark.parametrize("table", ["t", "u"])
def test_a_fault_of_a_table_is_told_of_prepared_statements(
    session: Session, module_stage: Stage, handle: Handle, table: str
) -> None:
    module_stage.set_up("CREATE TABLE IF NOT EXISTS u (id int)", "CREATE TABLE IF NOT EXISTS other (id int)")
    session.catch_up()
    for number, table_of_fault in enumerate(("other", table)):
        with handle.fault("fail", table=table_of_fault) as fault:
            session.connection.execute("BEGIN", prepare=True)
            session.connection.execute(INSERT, [number], prepare=True)
            with pytest.raises(psycopg.errors.SerializationFailure) if table_of_fault == "t" else nullcontext():
                session.connection.execute("COMMIT", prepare=True)
        assert fault.times == (table_of_fault == "t")


def test_what_was_rolled_back_has_touched_no_table(session: Session, module_stage: Stage, handle: Handle) -> None:
    module_stage.set_up("CREATE TABLE IF NOT EXISTS u (id int)")
    session.catch_up()
    with handle.fault("fail", table="t") as fault:
        session.begin()(INSERT, 1)
        session("ROLLBACK")
        session.begin()("INSERT INTO u VALUES (1)")
        assert not session.loses()
    assert fault.times == 0


def test_a_fault_of_a_role_is_not_anothers(
    session: Session, role: str, principal: Callable[..., Caller], handle: Handle
) -> None:
    who = principal(policy())
    with mapped(session.connection, role, who.arn):
        path = session("SHOW search_path")[0]
        change(session.connection, f"GRANT USAGE ON SCHEMA {path} TO {role}")
        change(session.connection, f"GRANT SELECT, INSERT ON t TO {role}")
        other = Session(who.connect(role, options=f"-c search_path={path}"))
        with handle.fault("fail", role=role):
            session(INSERT, 1)
            assert other.refused(INSERT, 2) == "40001"
        other.connection.close()
        change(session.connection, f"REVOKE ALL ON t FROM {role}")
        change(session.connection, f"REVOKE ALL ON SCHEMA {path} FROM {role}")


@pytest.mark.parametrize(("action", "kept"), [("cut_before", []), ("cut_after", [1])])
def test_a_cut_commit(
    session: Session, handle: Handle, rows: Callable[[], list[int]], action: str, kept: list[int]
) -> None:
    session.begin()(INSERT, 1)
    with handle.fault(action) as fault:
        assert isinstance(session.fails("COMMIT"), psycopg.OperationalError)
        assert session.connection.closed
    assert fault.times == 1
    assert rows() == kept


@pytest.mark.parametrize("action", ["cut_before", "cut_after"])
@pytest.mark.parametrize("prepare", [False, True], ids=["simple", "prepared"])
def test_a_cut_autocommit_statement(
    session: Session, handle: Handle, rows: Callable[[], list[int]], action: str, prepare: bool
) -> None:
    with handle.fault(action), pytest.raises(psycopg.OperationalError):
        session.connection.execute(INSERT, [1], prepare=prepare)
    assert session.connection.closed
    assert rows() == ([1] if action == "cut_after" else [])


def test_a_commit_that_conflicts_is_not_made_to_look_applied(
    session: Session, handle: Handle, module_stage: Stage
) -> None:
    session(INSERT, 1)
    loser = module_stage.open().begin()
    loser("DELETE FROM t")
    session("DELETE FROM t")
    with handle.fault("cut_after"):
        assert isinstance(loser.fails("COMMIT"), psycopg.OperationalError)


@pytest.mark.parametrize(("at", "statement"), [("commit", "COMMIT"), ("statement", "SELECT 1")])
def test_latency(session: Session, handle: Handle, at: str, statement: str) -> None:
    session.begin()(INSERT, 1)
    with handle.fault("delay", at=at, seconds=0.2):
        before = time.monotonic()
        session(statement)
        assert time.monotonic() - before >= 0.2
        session("ROLLBACK")

    def undelayed() -> float:
        before = time.monotonic()
        session.begin()(statement)
        session("ROLLBACK")
        return time.monotonic() - before

    assert min(undelayed() for _ in range(5)) < 0.2


def test_a_delayed_session_holds_up_nobody(session: Session, module_stage: Stage, handle: Handle) -> None:
    other = module_stage.open()
    session.begin()(INSERT, 1)
    with handle.fault("delay", seconds=1.0, session=session.pid):
        session.connection.pgconn.send_query(b"COMMIT")
        before = time.monotonic()
        other(INSERT, 1)
        assert time.monotonic() - before < 0.9
        result = session.connection.pgconn.get_result()
        assert result
        assert result.error_field(pq.DiagnosticField.SQLSTATE) == b"40001"
    session.connection.close()


def test_nothing_is_left_on(session: Session, handle: Handle) -> None:
    with pytest.raises(ZeroDivisionError), handle.fault("fail", times=None), handle.limits(rows=1):
        raise ZeroDivisionError
    session("INSERT INTO t VALUES (1), (2)")


def test_sessions_are_listed_and_expire(session: Session, module_stage: Stage, handle: Handle) -> None:
    other = module_stage.open()
    assert {session.pid, other.pid} <= set(handle.sessions())
    handle.expire(other.pid)
    assert isinstance(other.fails("SELECT 1"), psycopg.OperationalError)
    assert session("SELECT 1") == [1]


def test_a_backend_is_ended_as_by_an_operator(session: Session, module_stage: Stage, handle: Handle) -> None:
    other = module_stage.open()
    handle.end_backend(other.pid)
    assert isinstance(other.fails("SELECT 1"), psycopg.OperationalError)
    assert session("SELECT 1") == [1]


def test_an_endpoint_is_restarted_where_it_was(alone: Callable[..., Alone]) -> None:
    cluster = alone()
    handle, admin = Handle.of(cluster.environment, cluster.host), cluster.connect()
    admin.execute("CREATE TABLE kept (id int)")
    with ThreadPoolExecutor() as threads:
        restarted = threads.submit(handle.restart_endpoint, 1.0)
        with pytest.raises(psycopg.OperationalError):
            admin.execute("SELECT pg_sleep(5)")
        with pytest.raises(psycopg.OperationalError, match="refused"):
            cluster.connect()
        assert restarted.result() == 1
    assert cluster.connect().execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_transactions_that_are_open_are_told(session: Session, handle: Handle) -> None:
    session.begin()
    assert session.pid in handle.in_transaction()
    session("ROLLBACK")
    assert session.pid not in handle.in_transaction()


@dataclass(frozen=True)
class Nonsense(Message):
    """No message that there is."""


MISTAKES: dict[str, Callable[[Handle], object]] = {
    "setting": lambda handle: handle.fault("fail", nonsense=1).__enter__(),
    "action": lambda handle: handle.fault("nonsense").__enter__(),
    "limit": lambda handle: handle.limits(nonsense=1).__enter__(),
    "session": lambda handle: handle.expire(-1),
    "backend": lambda handle: handle.end_backend(-1),
    "message": lambda handle: handle.ask(Nonsense()),
    "table": lambda handle: handle.fault("fail", table="nonsense").__enter__(),
    "role": lambda handle: handle.fault("fail", role="nonsense").__enter__(),
    "code": lambda handle: handle.fault("fail", code="nonsense").__enter__(),
    "cut at a sign-in": lambda handle: handle.fault("cut_before", at="sign_in").__enter__(),
    "table at a sign-in": lambda handle: handle.fault("fail", code="RATE_EXCEEDED", table="t").__enter__(),
    "token at a commit": lambda handle: handle.fault("fail", code="TOKEN_EXPIRED", at="commit").__enter__(),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_cannot_be_is_said(session: Session, handle: Handle, mistake: str) -> None:
    with pytest.raises(ControlError):
        MISTAKES[mistake](handle)
    session(INSERT, 1)


def test_what_is_dropped_while_the_catalog_is_read_is_left_out(stage: Stage, handle: Handle) -> None:
    session = stage.set_up("CREATE TABLE t (id int PRIMARY KEY, v text)")
    assert session.job("CREATE UNIQUE INDEX ASYNC ON t (lower(v))")
    with psycopg.connect(handle.describe()["postgres"]) as superuser, ThreadPoolExecutor() as threads:
        (schema,) = session("SELECT current_schema()")
        superuser.execute(f"DROP TABLE {schema}.t")
        changed = threads.submit(change, stage.open().connection, "CREATE TABLE other (id int)")
        while not superuser.execute("SELECT FROM pg_locks WHERE NOT granted").fetchall():
            assert not changed.done()
        superuser.commit()
        changed.result()
    assert stage.open()("SELECT * FROM other") == []


def test_commits_are_counted_by_what_became_of_them(stage: Stage, handle: Handle) -> None:
    stage.set_up("CREATE TABLE counted (id int PRIMARY KEY)")
    session, before = stage.open(), handle.commits()
    session("INSERT INTO counted VALUES (1)")
    session.begin()("INSERT INTO counted VALUES (2)")
    assert not session.loses()
    session.begin()("INSERT INTO counted VALUES (3)")
    session("ROLLBACK")
    with handle.fault("fail"):
        assert session.refused("INSERT INTO counted VALUES (4)") == "40001"
    assert session.refused("INSERT INTO counted VALUES (1)") == "23505"
    with handle.fault("cut_after"):
        session.fails("INSERT INTO counted VALUES (5)")
    after = handle.commits()
    counted = {outcome: after[outcome] - before.get(outcome, 0) for outcome in after}
    assert {outcome: count for outcome, count in counted.items() if count} == {
        "committed": 2,
        "lost": 1,
        "failed": 1,
        "cut": 1,
    }


def test_conflicts_are_counted_by_the_services_name_for_them(stage: Stage, handle: Handle) -> None:
    first, second = stage.pair(
        "CREATE TABLE contested (id int PRIMARY KEY, n int)", "INSERT INTO contested VALUES (1, 0)"
    )
    before = Counter(handle.conflicts())
    for session in (first, second):
        session("UPDATE contested SET n = n + 1")
    assert not first.loses()
    assert second.loses()
    with handle.fault("fail", code="OC001"):
        assert first.refused("INSERT INTO contested VALUES (2, 0)") == "40001"
    assert Counter(handle.conflicts()) - before == {"OC000": 1, "OC001": 1}


def test_a_prepared_commit_is_counted_and_one_of_nothing_is_not(session: Session, handle: Handle) -> None:
    for number in range(3):
        for statement in ("BEGIN", f"INSERT INTO t VALUES ({number})", "COMMIT"):
            session.connection.execute(statement, prepare=True)
    before = handle.commits()["committed"]
    for statement in ("BEGIN", "COMMIT", "COMMIT"):
        session.connection.execute(statement, prepare=True)
    assert handle.commits()["committed"] == before + 1


def test_a_statement_finds_the_service_unavailable_and_the_connection_goes_on(session: Session, handle: Handle) -> None:
    with handle.fault("fail", code="UNAVAILABLE") as fault:
        error = session.fails("SELECT 1")
        assert (error.sqlstate, error.diag.message_primary) == ("XX000", "server unavailable")
        assert session("SELECT 1") == [1]
    assert fault.times == 1


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("RATE_EXCEEDED", "rate exceeded"),
        ("TOO_MANY_CONNECTIONS", "too many open connections"),
        ("TOKEN_EXPIRED", "Signature expired"),
    ],
)
def test_who_signs_in_is_turned_away_once(module_stage: Stage, handle: Handle, code: str, told: str) -> None:
    with handle.fault("fail", code=code), pytest.raises(psycopg.OperationalError, match=told):
        module_stage.open()
    assert module_stage.open()("SELECT 1") == [1]


def test_how_often_a_fault_was_applied_is_known_while_it_is_in_force(session: Session, handle: Handle) -> None:
    with handle.fault("fail", times=None) as fault:
        assert fault.times == 0
        assert session.refused(INSERT, 1) == "40001"
        assert fault.times == 1
