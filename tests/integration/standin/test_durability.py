"""What is left when something dies: whole transactions, and of a stand-in that was stopped nothing at all."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pytest_dsql.link.handle import Handle
from pytest_dsql.link.messages import CreateCluster, DeleteCluster
from pytest_dsql.link.process import StandInError
from tests.fix_alone import Alone, kill_server
from tests.fix_cluster import Cluster, change
from tests.fix_log import Heard
from tests.fix_sessions import Session, Stage

LIMIT_S = 10
TABLES = (
    "CREATE TABLE a (id int PRIMARY KEY, v int)",
    "CREATE TABLE b (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1))",
)


def open_with_tables(cluster: Cluster) -> Session:
    session = Session(cluster.connect())
    for statement in TABLES:
        change(session.connection, statement)
    return session


def leave_open(session: Session) -> None:
    """Write in two tables and do not commit."""
    session.begin()("INSERT INTO a VALUES (2, 2), (3, 3)")
    session("UPDATE a SET v = 9 WHERE id = 1")
    session("INSERT INTO b DEFAULT VALUES")


def disposable(cluster: Cluster) -> Path:
    """Return the folder of the data of a server whose data ends with it."""
    return Path(str(conninfo_to_dict(cluster.handle.describe()["postgres"])["host"])) / "data"


def until(true: Callable[[], bool]) -> None:
    """Wait for what another process does; fail where it does not."""
    end = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_gone(session: Session) -> bool:
    try:
        session("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def test_a_killed_proxy_leaves_whole_transactions(alone: Callable[..., Alone], kept: Path) -> None:
    cluster = alone("--data", str(kept))
    session = open_with_tables(cluster)
    session("INSERT INTO a VALUES (1, 1)")
    leave_open(session)
    cluster.kill()
    assert isinstance(session.fails("COMMIT"), psycopg.OperationalError)
    until(lambda: not (kept / "postmaster.pid").exists())
    again = Session(alone("--data", str(kept)).connect())
    assert again("SELECT * FROM a") == [(1, 1)]
    assert again("SELECT * FROM b") == []
    again("UPDATE a SET v = 2")
    assert again("SELECT v FROM a") == [2]


def test_a_second_start_knows_the_dialect_too(alone: Callable[..., Alone], kept: Path) -> None:
    first = alone("--data", str(kept))
    change(first.connect(), "CREATE TABLE t (id int PRIMARY KEY, v int)")
    first.stop()
    session = Session(alone("--data", str(kept)).connect())
    assert session.refused("TRUNCATE t") == "0A000"
    assert session("SELECT relkind FROM pg_class WHERE relname = 't'") == ["r"]
    assert session.job("CREATE INDEX ASYNC ON t (v)")
    session.begin()("SELECT * FROM t FOR UPDATE")
    assert not session.loses()


@pytest.mark.parametrize("flushed", [True, False])
def test_a_postgresql_that_is_killed_is_there_again_and_has_lost_no_committed_row(
    alone: Callable[..., Alone], kept: Path, *, flushed: bool
) -> None:
    cluster = alone(*(["--data", str(kept)] if flushed else []))
    session, other = open_with_tables(cluster), Session(cluster.connect())
    for number in range(20):
        session.begin()(f"INSERT INTO a VALUES ({number + 10}, 0)")
        assert not session.loses()
    session("INSERT INTO a VALUES (1, 1)")
    leave_open(other)
    kill_server(kept if flushed else disposable(cluster))
    until(lambda: is_gone(session))
    again, rival = (Session(cluster.connect()) for _ in range(2))
    assert again("SELECT count(*), sum(v) FROM a") == [(21, 1)]
    assert again("SELECT * FROM b") == []
    for each in (again, rival):
        assert each.begin()("UPDATE a SET v = v + 1 WHERE id = 1 RETURNING v") == [2]
    assert not again.loses()
    assert rival.loses()


def test_data_that_are_in_use_are_told(alone: Callable[..., Alone], kept: Path, heard: Heard) -> None:
    alone("--data", str(kept))
    with pytest.raises(StandInError):
        alone("--data", str(kept))
    told = f"Error: embedded PostgreSQL did not start: the data in {kept} is in use by another server"
    assert told in heard.new()


def test_who_has_killed_postgresql_hears_when_it_serves_again(alone: Callable[..., Alone]) -> None:
    cluster = alone()
    session = open_with_tables(cluster)
    session("INSERT INTO a VALUES (1, 1)")
    for _ in range(2):
        cluster.handle.kill_server()
        assert Session(cluster.connect())("SELECT v FROM a") == [1]
    assert is_gone(session)


def test_the_engine_goes_on_after_postgresql_was_killed(alone: Callable[..., Alone]) -> None:
    cluster = alone()
    session = open_with_tables(cluster)
    kill_server(disposable(cluster))
    until(lambda: is_gone(session))
    again = Session(cluster.connect())
    assert again.job("CREATE INDEX ASYNC ON a (v)")
    cluster.handle.empty()
    assert Session(cluster.connect())("SELECT relname FROM pg_class WHERE relname IN ('a', 'b')") == []


def test_a_stand_in_whose_postgresql_cannot_be_started_again_ends(alone: Callable[..., Alone], heard: Heard) -> None:
    cluster = alone()
    data = disposable(cluster)
    (data / "global" / "pg_control").unlink()
    kill_server(data)
    until(lambda: cluster.process.poll() == 0)
    cluster.stop()
    told = heard.new()
    assert any(line.startswith("PostgreSQL does not run: ") for line in told)
    assert told[-1].startswith("PostgreSQL of cluster ")


CLIENT = """
import os, sys, psycopg
connection = psycopg.connect(os.environ["DSN"], autocommit=True)
connection.execute("BEGIN")
connection.execute("INSERT INTO t VALUES (1, 1), (2, 2)")
print(connection.info.backend_pid, flush=True)
sys.stdin.read()
"""


def test_a_killed_client_leaves_nothing(cluster: Cluster, stage: Stage, handle: Handle) -> None:
    session = stage.set_up("CREATE TABLE t (id int PRIMARY KEY, v int)")
    path = session("SHOW search_path")[0]
    settings = cluster.settings(password=cluster.token(), options=f"-c search_path={path}")
    environment = {**os.environ, "DSN": psycopg.conninfo.make_conninfo(**settings)}
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert client.stdout
    pid = int(client.stdout.readline())
    client.kill()
    client.communicate(timeout=LIMIT_S)
    until(lambda: pid not in handle.sessions())
    session("INSERT INTO t VALUES (1, 5)")
    assert session("SELECT * FROM t") == [(1, 5)]


def test_clusters_have_their_own_data(cluster: Cluster, stage: Stage, handle: Handle) -> None:
    made = handle.ask(CreateCluster())
    try:
        other = Cluster({**cluster.environment, "CLUSTER_ENDPOINT": made["host"]}, "local")
        there, here = Session(other.connect()), stage.open()
        change(there.connection, "CREATE TABLE t (id int PRIMARY KEY)")
        assert here("SELECT 1") == [1], "its schema changes are its own too"
        assert here.refused("SELECT * FROM t") == "42P01"
        with pytest.raises(psycopg.OperationalError):
            other.connect(password=cluster.token())
    finally:
        handle.ask(DeleteCluster(cluster=made["id"]))
    assert isinstance(there.fails("SELECT 1"), psycopg.OperationalError)
    with pytest.raises(psycopg.OperationalError):
        other.connect()


def test_nothing_is_left_of_a_stand_in_that_was_stopped(alone: Callable[..., Alone]) -> None:
    cluster = alone()
    folder = Path(cluster.environment["DSQL_CONTROL"]).parent
    server = Path(str(conninfo_to_dict(Handle.of(cluster.environment, cluster.host).describe()["postgres"])["host"]))
    assert server.exists()
    session = open_with_tables(cluster)
    cluster.stop()
    assert cluster.process.returncode == 0
    until(lambda: not folder.exists() and not server.exists())
    assert isinstance(session.fails("SELECT 1"), psycopg.OperationalError)
