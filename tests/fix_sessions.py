"""Sessions that a test drives step by step from one thread, and what a conflict looks like to them."""

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import psycopg
import pytest
from psycopg import pq

from pytest_dsql.retry import retried
from tests.fix_cluster import Cluster, change

NOBODY_WAITS_S: Final = 2.0
IDLE: Final = pq.TransactionStatus.IDLE


class Session:
    """One connection; ``tag`` is the command tag of its last statement."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.tag = ""

    def __call__(self, statement: str, *values: object) -> list[Any]:
        """Run a statement and return its rows; a single column comes as bare values."""
        cursor = self.connection.execute(statement, values or None)
        self.tag = cursor.statusmessage or ""
        if cursor.description is None:
            return []
        return [row[0] if len(row) == 1 else row for row in cursor.fetchall()]

    def retried(self, statement: str) -> list[Any]:
        """Run a statement, again where it lost to another (40001)."""
        return retried(lambda: self(statement))

    def job(self, statement: str) -> bool:
        """Run a statement that starts a job, wait for the job, and say whether it succeeded."""
        (job,) = self.retried(statement)
        (succeeded,) = self.retried(f"CALL sys.wait_for_job('{job}')")
        return bool(succeeded)

    def catch_up(self) -> None:
        """Learn of schema changes elsewhere by a look into the catalogs, which is never refused for them."""
        self.retried("SELECT FROM pg_class LIMIT 0")

    @property
    def status(self) -> pq.TransactionStatus:
        return self.connection.info.transaction_status

    @property
    def pid(self) -> int:
        return self.connection.info.backend_pid

    def begin(self) -> "Session":
        """Begin a transaction with its snapshot taken, again where a schema change came between (OC001)."""
        retried(self._begin)
        return self

    def _begin(self) -> None:
        try:
            self("BEGIN")
            self("SELECT 1")
        except psycopg.errors.SerializationFailure:
            self("ROLLBACK")
            raise

    def fails(self, statement: str, *values: object) -> psycopg.Error:
        """Run a statement that must fail and return its error."""
        with pytest.raises(psycopg.Error) as caught:
            self(statement, *values)
        return caught.value

    def refused(self, statement: str, *values: object) -> str | None:
        """Run a statement that must fail and return its SQLSTATE."""
        return self.fails(statement, *values).sqlstate

    def loses(self, marker: str = "OC000") -> bool:
        """COMMIT; tell whether it failed as a conflict, which must end the transaction. Other failures are raised."""
        try:
            self("COMMIT")
        except psycopg.errors.SerializationFailure as error:
            text = str(error)
        else:
            assert self.tag == "COMMIT"
            return False
        assert marker in text
        assert self.status == IDLE
        return True


class Stage:
    """A schema for a test, and sessions in it."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect

    def open(self) -> Session:
        return Session(self._connect())

    def set_up(self, *statements: str) -> Session:
        """Run set-up statements in a session of their own and return it."""
        session = self.open()
        for statement in statements:
            change(session.connection, statement)
        return session

    def pair(self, *set_up: str) -> tuple[Session, Session]:
        """Return two sessions, each in a transaction that began after the set-up."""
        self.set_up(*set_up)
        return self.open().begin(), self.open().begin()


def at_once(work: Callable[[], Any], limit_s: float = NOBODY_WAITS_S) -> Any:
    """Return what ``work`` does; fail where it takes longer than ``limit_s``."""
    done: list[tuple[Any, BaseException | None]] = []

    def run() -> None:
        try:
            done.append((work(), None))
        except BaseException as error:  # noqa: BLE001 - the caller is to hear of it, whatever it is
            done.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit_s)
    assert done, f"waited for longer than {limit_s:g} s"
    result, error = done[0]
    if error:
        raise error
    return result


@pytest.fixture(scope="module")
def module_schema(own_cluster: Cluster) -> Iterator[str]:
    """A schema for the tests of a module that need fresh rows, not fresh tables."""
    cluster = replace(own_cluster)
    with cluster.schema(cluster.connect()) as name:
        yield name
    cluster.close()


@pytest.fixture
def module_stage(cluster: Cluster, module_schema: str) -> Stage:
    """A stage in the module's schema."""
    return Stage(lambda: cluster.connect(options=f"-c search_path={module_schema}"))


@pytest.fixture
def stage(cluster: Cluster, schema: str) -> Stage:
    """A stage in an empty schema."""
    return Stage(lambda: cluster.connect(options=f"-c search_path={schema}"))


@pytest.fixture
def role(cluster: Cluster) -> Iterator[str]:
    """A role that may sign in; what it was granted goes with it."""
    name, admin = f"r_{uuid.uuid4().hex[:12]}", cluster.connect()
    change(admin, f"CREATE ROLE {name} WITH LOGIN")
    yield name
    change(admin, f"DROP ROLE {name}")
