"""aurora-dsql-python-connector: connections, pools and the retry of psycopg, psycopg2 and asyncpg."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import psycopg
import pytest

from tests.fix_clients import LIMIT_S, Exported

NOT_INSTALLED = "aurora-dsql-python-connector is not installed; it comes with --group clients"
dsql_psycopg: Any = pytest.importorskip("aurora_dsql_psycopg", reason=NOT_INSTALLED)
dsql_psycopg2: Any = pytest.importorskip("aurora_dsql_psycopg2", reason=NOT_INSTALLED)
dsql_asyncpg: Any = pytest.importorskip("aurora_dsql_asyncpg", reason=NOT_INSTALLED)
psycopg_pool: Any = pytest.importorskip("psycopg_pool", reason="psycopg-pool is not installed")

DEBIT = "UPDATE accounts SET balance = balance - 1 WHERE id = 1"
OTHER_DEBIT = "UPDATE accounts SET balance = balance - 10 WHERE id = 1"


@pytest.fixture
def balance(exported: Exported) -> Callable[[], int]:
    """An account of 100 in a table that was there before any client connects, and its balance later."""
    exported.ask("CREATE TABLE IF NOT EXISTS accounts (id int PRIMARY KEY, balance int NOT NULL)")
    exported.ask("INSERT INTO accounts VALUES (1, 100) ON CONFLICT (id) DO UPDATE SET balance = 100")
    return lambda: int(exported.ask("SELECT balance FROM accounts WHERE id = 1")[0][0])


class Contested:
    """A debit that loses its first attempts to another session's, committed while it is open."""

    def __init__(self, exported: Exported, losses: int = 1) -> None:
        self._exported, self._losses = exported, losses
        self.attempts = 0

    def meet(self) -> None:
        self.attempts += 1
        if self.attempts <= self._losses:
            self._exported.ask(OTHER_DEBIT)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, LIMIT_S))


# psycopg


def test_psycopg_connects(exported: Exported) -> None:
    with dsql_psycopg.DSQLConnection.connect(host=exported.host, user="admin") as connection:
        assert connection.execute("SELECT current_user, %s::int", (1,)).fetchone() == ("admin", 1)


def test_psycopg_connects_asynchronously(exported: Exported) -> None:
    async def work() -> None:
        connection = await dsql_psycopg.DSQLAsyncConnection.connect(host=exported.host, user="admin")
        async with connection:
            assert await (await connection.execute("SELECT 1")).fetchone() == (1,)

    run(work())


def test_psycopgs_pool_tries_again(exported: Exported, balance: Callable[[], int]) -> None:
    contested = Contested(exported)

    def debit(connection: psycopg.Connection[Any]) -> None:
        connection.execute(DEBIT)
        contested.meet()

    kwargs = {"host": exported.host, "user": "admin"}
    with dsql_psycopg.create_pool("", kwargs=kwargs, retry=True, min_size=2, max_size=4, open=True) as pool:
        pool.run_transaction(debit)
    assert (contested.attempts, balance()) == (2, 89)


def test_a_pool_without_retry_tells(exported: Exported, balance: Callable[[], int]) -> None:
    kwargs = {"host": exported.host, "user": "admin"}
    with (
        dsql_psycopg.create_pool("", kwargs=kwargs, min_size=2, open=True) as pool,
        pool.connection() as one,
        pool.connection() as other,
    ):
        for connection in (one, other):
            connection.execute(DEBIT)
        one.commit()
        with pytest.raises(psycopg.errors.SerializationFailure, match="OC000"):
            other.commit()
        other.rollback()
    assert balance() == 99


def test_psycopg_pool_takes_the_connectors_connections(exported: Exported, balance: Callable[[], int]) -> None:
    kwargs = {"host": exported.host, "user": "admin"}
    options = {"connection_class": dsql_psycopg.DSQLConnection, "kwargs": kwargs, "max_lifetime": 3300}
    with (
        psycopg_pool.ConnectionPool("", min_size=3, max_size=8, open=True, **options) as pool,
        pool.connection() as one,
        pool.connection() as other,
        pool.connection() as third,
    ):
        one.execute("CREATE TABLE pooled (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), v int)")
        one.commit()
        other.execute("INSERT INTO pooled (v) VALUES (1)")
        other.commit()
        assert third.execute("SELECT v FROM pooled").fetchall() == [(1,)]
        for connection in (one, other):
            connection.execute(DEBIT)
        one.commit()
        with pytest.raises(psycopg.errors.SerializationFailure, match="OC000"):
            other.commit()
    assert balance() == 99


# psycopg2


def test_psycopg2_connects(exported: Exported) -> None:
    connection = dsql_psycopg2.connect(host=exported.host, user="admin")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, %s", (1,))
        assert cursor.fetchone() == ("admin", 1)
    connection.close()


def test_psycopg2s_pool_tries_again(exported: Exported, balance: Callable[[], int]) -> None:
    contested = Contested(exported, losses=2)

    def debit(connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(DEBIT)
        contested.meet()

    with dsql_psycopg2.AuroraDSQLThreadedConnectionPool(
        minconn=2, maxconn=8, retry=True, host=exported.host, user="admin"
    ) as pool:
        pool.run_transaction(debit)
    assert (contested.attempts, balance()) == (3, 79)


# asyncpg


def test_asyncpg_connects(exported: Exported) -> None:
    async def work() -> None:
        connection = await dsql_asyncpg.connect(host=exported.host, user="admin")
        assert await connection.fetchrow("SELECT current_user, $1::int", 1) == ("admin", 1)
        await connection.close()

    run(work())


def test_asyncpgs_pool_tries_again(exported: Exported, balance: Callable[[], int]) -> None:
    contested = Contested(exported)

    async def debit(connection: Any) -> None:
        await connection.execute(DEBIT)
        contested.meet()

    async def work() -> None:
        async with await dsql_asyncpg.create_pool(host=exported.host, user="admin", retry=True, min_size=2) as pool:
            await pool.run_transaction(debit)
            assert await pool.fetchval("SELECT balance FROM accounts WHERE id = $1", 1) == 89

    run(work())
    assert (contested.attempts, balance()) == (2, 89)


def test_asyncpgs_pool_without_retry_tells(exported: Exported, balance: Callable[[], int]) -> None:
    async def work() -> None:
        async with (
            await dsql_asyncpg.create_pool(host=exported.host, user="admin", min_size=2) as pool,
            pool.acquire() as one,
            pool.acquire() as other,
        ):
            transactions = [connection.transaction() for connection in (one, other)]
            for connection, transaction in zip((one, other), transactions, strict=True):
                await transaction.start()
                await connection.execute(DEBIT)
            await transactions[0].commit()
            with pytest.raises(Exception, match="OC000") as caught:
                await transactions[1].commit()
            assert dsql_asyncpg.is_occ_error(caught.value)

    run(work())
    assert balance() == 99
