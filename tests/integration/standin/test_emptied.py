"""A cluster that is emptied is a new one at the same address; one that is kept is not emptied."""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from pytest_dsql.link.handle import ControlError, Handle
from pytest_dsql.link.messages import SetLimits
from tests.fix_alone import Alone


def test_an_emptied_cluster_is_as_it_was_at_first(alone: Callable[..., Alone]) -> None:
    cluster = alone()
    handle, admin = Handle.of(cluster.environment, cluster.host), cluster.connect()
    for statement in (
        "CREATE TABLE t (id int PRIMARY KEY)",
        "INSERT INTO t VALUES (1)",
        "CREATE ROLE r WITH LOGIN",
        "GRANT ALL ON t TO r",
        "CREATE SCHEMA s",
        "CREATE TABLE s.t (id int)",
    ):
        admin.execute(statement)
    for _ in range(2):
        handle.put(action="fail", times=None)
        handle.ask(SetLimits(cluster=cluster.identifier, limits={"connections": 0}))
        handle.empty()
        assert handle.faults() == {}
        with pytest.raises(psycopg.OperationalError):
            admin.execute("SELECT 1")
        admin = cluster.connect()
        assert admin.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'r'").fetchone() == (0,)
        assert admin.execute("SELECT count(*) FROM pg_class WHERE relname = 't'").fetchone() == (0,)
        assert handle.commits() == {}
        admin.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        admin.execute("CREATE ROLE r WITH LOGIN")
        with pytest.raises(psycopg.errors.UniqueViolation):
            admin.execute("INSERT INTO t VALUES (1), (1)")


def test_a_kept_cluster_is_not_emptied(alone: Callable[..., Alone], kept: Path) -> None:
    cluster = alone("--data", str(kept))
    with pytest.raises(ControlError, match="kept"):
        Handle.of(cluster.environment, cluster.host).empty()


def test_a_cluster_is_emptied_while_a_pool_reconnects(alone: Callable[..., Alone]) -> None:
    cluster, over = alone(), threading.Event()
    handle, settings = Handle.of(cluster.environment, cluster.host), cluster.settings(password=cluster.token())

    def reconnect() -> None:
        while not over.is_set():
            with contextlib.suppress(psycopg.Error), psycopg.connect(**settings) as connection:
                while not over.wait(0.005):
                    connection.execute("SELECT 1")

    with ThreadPoolExecutor(8) as threads, handle.limits(connect_rate=1e6, connect_burst=1e6):
        try:
            clients = [threads.submit(reconnect) for _ in range(8)]
            for _ in range(20):
                handle.empty()
        finally:
            over.set()
        for client in clients:
            client.result()
    assert cluster.connect().execute("SELECT 1").fetchone() == (1,)
