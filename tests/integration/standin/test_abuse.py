"""Clients that nobody would want, and statements that nobody writes: each is refused, and all others are served."""

import contextlib
import resource
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final

import psycopg
import pytest

from pytest_dsql.link.batch import with_descriptors
from pytest_dsql.link.handle import Handle
from pytest_dsql.link.process import end, launch
from tests.fix_alone import Alone
from tests.fix_log import Heard
from tests.fix_sessions import Session, Stage

SILENT: Final = 10_000
OWN: Final = 500
"""Descriptors that this process has for other things."""
FEW: Final = 8
ATTEMPTS: Final = 50
TOO_DEEP: Final = frozenset({"42601", "54000", "54001", None})
"""What PostgreSQL's parser and its stack say; None where it is not too deep."""
NESTED: Final = {
    "parentheses": ("SELECT {}1{}", "(", ")"),
    "subqueries": ("SELECT {}1{}", "(SELECT ", ")"),
    "FROM": ("SELECT 1 FROM {}(SELECT 1) x{}", "(SELECT 1 FROM ", ") x"),
    "CASE": ("SELECT {}1{}", "CASE WHEN true THEN ", " END"),
    "calls": ("SELECT {}1{}", "abs(", ")"),
    "operators": ("SELECT {}true{}", "NOT ", ""),
    "sums": ("SELECT 1{}{}", "+1", ""),
    "arrays": ("SELECT {}1{}", "ARRAY[", "]"),
    "unions": ("SELECT 1{}{}", " UNION ALL SELECT 1", ""),
    "WITH": ("{}SELECT 1{}", "WITH x AS (", ") SELECT 1"),
    "blocks": ("DO $$ BEGIN {}NULL;{} END $$", "BEGIN ", " END;"),
    "EXPLAIN": ("EXPLAIN SELECT {}1{}", "(", ")"),
}


@pytest.fixture
def silent(alone: Callable[..., Alone]) -> Iterator[Alone]:
    """A cluster with 10,000 connections on which nothing is said, or as many as this process may have."""
    with_descriptors()
    count = min(SILENT, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - OWN)
    cluster = alone()
    where = (cluster.environment["PGHOSTADDR"], int(cluster.environment["PGPORT"]))
    with ExitStack() as opened:
        for _ in range(count):
            opened.enter_context(socket.create_connection(where))
        yield cluster


def test_whoever_speaks_is_served_among_10000_who_do_not(silent: Alone) -> None:
    assert silent.connect().execute("SELECT 1").fetchone() == (1,)


def test_one_more_than_there_may_be_is_refused_in_order(alone: Callable[..., Alone]) -> None:
    cluster = alone()
    with Handle.of(cluster.environment, cluster.host).limits(connections=FEW):
        first, *others = [cluster.connect() for _ in range(FEW)]
        for _ in range(FEW):
            with pytest.raises(psycopg.OperationalError, match=r"FATAL: +Unable to accept connection, too many open"):
                cluster.connect()
        assert [each.execute("SELECT 1").fetchone() for each in others] == [(1,)] * (FEW - 1)
        first.close()
        assert replaced(cluster).execute("SELECT 1").fetchone() == (1,)


def replaced(cluster: Alone) -> "psycopg.Connection[object]":
    """Come in where somebody has just left, who may not have been missed yet."""
    for _ in range(ATTEMPTS):
        with contextlib.suppress(psycopg.OperationalError):
            return cluster.connect()
    return cluster.connect()


def answer(session: Session, text: str) -> str | None:
    """Return the SQLSTATE with which a statement is refused, None where it is run."""
    try:
        session.connection.execute(text.encode())
    except psycopg.Error as error:
        return error.sqlstate
    return None


@pytest.mark.parametrize("depth", [1_000, 10_000])
@pytest.mark.parametrize("kind", NESTED)
def test_what_is_nested_too_deep_is_refused(module_stage: Stage, handle: Handle, kind: str, depth: int) -> None:
    text, before, after = NESTED[kind]
    session = module_stage.open()
    assert answer(session, text.format(before * depth, after * depth)) in TOO_DEEP
    assert session("SELECT 1") == [1]
    session.connection.close()


@pytest.mark.parametrize("how", ["{}", "DO $do$ BEGIN {}; END $do$"])
@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "COPY t FROM PROGRAM 'id'",
        "CREATE EXTENSION dblink",
        "CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw",
        "CREATE SUBSCRIPTION s CONNECTION 'host=/tmp' PUBLICATION p",
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS '/tmp/f', 'f'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'return 1'",
        "ALTER SYSTEM SET archive_command = 'id'",
        "LOAD '/tmp/f'",
    ],
)
def test_nobody_leaves_the_cluster(module_stage: Stage, handle: Handle, statement: str, how: str) -> None:
    session = Session(module_stage.open().connection)
    session("CREATE TABLE IF NOT EXISTS t (id int)")
    assert session.refused(how.format(statement)) in {"0A000", "42501", "42704"}


def test_clients_that_hang_up_leave_no_word(heard: Heard) -> None:
    process, environment = launch("dsql", stderr=heard.file)
    waiting = [socket.create_connection((environment["PGHOSTADDR"], int(environment["PGPORT"]))) for _ in range(100)]
    for client in waiting[::2]:
        client.close()
    with contextlib.suppress(OSError), ThreadPoolExecutor() as threads:
        threads.submit(end, process)
        for client in waiting[1::2]:
            client.send(b"\0")
    for client in waiting:
        client.close()
    assert heard.new() == []
