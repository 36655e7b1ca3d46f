"""Drivers and SQLAlchemy without anything of AWS's: a token, ``verify-full``, and a conflict at COMMIT."""

import asyncio
import ssl
from collections.abc import Coroutine, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import psycopg2
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from tests.fix_clients import LIMIT_S, Exported

MARKER = "(OC000)"
DEBIT = "UPDATE accounts SET balance = balance - 1 WHERE id = 1"


@pytest.fixture(autouse=True)
def accounts(exported: Exported) -> None:
    """Two accounts."""
    exported.ask("CREATE TABLE IF NOT EXISTS accounts (id int PRIMARY KEY, balance numeric(12, 2) NOT NULL, note text)")
    exported.ask("DELETE FROM accounts")
    exported.ask("INSERT INTO accounts VALUES (1, 100, 'one'), (2, 100, NULL)")


@pytest.fixture
def settings(exported: Exported) -> dict[str, Any]:
    """What libpq is told; its way to the cluster comes from the exports."""
    verified = {"sslmode": "verify-full", "sslrootcert": "system"}
    return {"host": exported.host, "user": "admin", "dbname": "postgres", "password": exported.token(), **verified}


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, LIMIT_S))


# psycopg, asynchronous


def test_psycopg_async(settings: dict[str, Any]) -> None:
    async def transfer() -> None:
        async with (
            await psycopg.AsyncConnection.connect(**settings) as one,
            await psycopg.AsyncConnection.connect(**settings) as other,
        ):
            for connection in (one, other):
                cursor = await connection.execute(f"{DEBIT} RETURNING id")
                assert await cursor.fetchall() == [(1,)]
            await one.commit()
            with pytest.raises(psycopg.errors.SerializationFailure, match="OC000"):
                await other.commit()
            await other.rollback()

    run(transfer())


# psycopg2


def test_psycopg2(exported: Exported, settings: dict[str, Any]) -> None:
    # Its wheel's libpq is of PostgreSQL 16 or later and knows the system's authorities, too.
    one, other = (psycopg2.connect(**settings) for _ in range(2))
    for connection in (one, other):
        cursor = connection.cursor()
        cursor.execute("UPDATE accounts SET balance = balance - %s WHERE id = %s RETURNING balance", (1, 1))
        assert cursor.fetchone() == (99,)
    one.commit()
    with pytest.raises(psycopg2.Error) as caught:
        other.commit()
    assert (caught.value.pgcode, MARKER in str(caught.value)) == ("40001", True)
    other.rollback()
    with other.cursor() as cursor:
        cursor.executemany("INSERT INTO accounts VALUES (%s, 0)", [(3,), (4,)])
    other.commit()
    for connection in (one, other):
        connection.close()


# asyncpg


async def connect(exported: Exported) -> Any:
    return await asyncpg.connect(
        host=exported.host,
        user="admin",
        password=exported.token(),
        database="postgres",
        ssl=ssl.create_default_context(),
        timeout=LIMIT_S,
    )


def test_asyncpg_statements(exported: Exported) -> None:
    async def work() -> None:
        connection = await connect(exported)
        prepared = await connection.prepare("SELECT note FROM accounts WHERE id = $1")
        assert await prepared.fetchval(1) == "one"
        await connection.executemany(
            "INSERT INTO accounts VALUES ($1, $2, $3)", [(n, n, str(n)) for n in range(10, 15)]
        )
        assert await connection.execute("DELETE FROM accounts WHERE id >= 10") == "DELETE 5"
        rows = await connection.fetch("SELECT id, balance FROM accounts ORDER BY id FOR UPDATE")
        assert [(row["id"], int(row["balance"])) for row in rows] == [(1, 100), (2, 100)]
        upsert = "INSERT INTO accounts VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET balance = excluded.balance"
        assert await connection.execute(upsert, 1, 5) == "INSERT 0 1"
        await connection.close()

    run(work())


def test_asyncpg_prepares_again_what_a_schema_change_made_stale(exported: Exported) -> None:
    async def work() -> None:
        changer, connection = await connect(exported), await connect(exported)
        await changer.execute("CREATE TABLE IF NOT EXISTS growing (id int PRIMARY KEY)")
        await changer.execute("INSERT INTO growing VALUES (1) ON CONFLICT DO NOTHING")
        read = "SELECT * FROM growing WHERE id = $1"
        assert tuple(await connection.fetchrow(read, 1)) == (1,)
        await changer.execute("ALTER TABLE growing ADD COLUMN v int")
        with pytest.raises(asyncpg.SerializationError, match="OC001"):
            await connection.fetchrow(read, 1)
        assert tuple(await connection.fetchrow(read, 1)) == (1, None)
        await changer.execute("DROP TABLE growing")
        await connection.close()
        await changer.close()

    run(work())


def test_asyncpg_arrays(exported: Exported) -> None:
    async def work() -> None:
        connection = await connect(exported)
        assert await connection.fetchval("SELECT ARRAY[1, 2]") == [1, 2]
        assert await connection.fetchval("SELECT $1::uuid[]", [UUID(int=1)]) == [UUID(int=1)]
        await connection.close()

    run(work())


def test_asyncpg_transactions(exported: Exported) -> None:
    async def work() -> None:
        one, other = await connect(exported), await connect(exported)
        transactions = [connection.transaction() for connection in (one, other)]
        for connection, transaction in zip((one, other), transactions, strict=True):
            await transaction.start()
            await connection.execute("UPDATE accounts SET balance = balance - 1 WHERE id = $1", 1)
        await transactions[0].commit()
        with pytest.raises(asyncpg.SerializationError, match="OC000"):
            await transactions[1].commit()
        assert await other.fetchval("SELECT balance FROM accounts WHERE id = 1") == 99
        for connection in (one, other):
            await connection.close()

    run(work())


# SQLAlchemy with its own dialect


class Base(DeclarativeBase):
    """The tables that SQLAlchemy knows."""


class Account(Base):
    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    balance: Mapped[float] = mapped_column(sa.Numeric(12, 2))
    note: Mapped[str | None]


@pytest.fixture(params=["psycopg", "psycopg2"])
def engine(request: pytest.FixtureRequest, settings: dict[str, Any]) -> Iterator[sa.Engine]:
    """An engine; its dialect would look for hstore inside a savepoint, which Aurora DSQL does not have."""
    engine = sa.create_engine(f"postgresql+{request.param}://", connect_args=settings, use_native_hstore=False)
    yield engine
    engine.dispose()


def test_sqlalchemy_reflects(engine: sa.Engine) -> None:
    inspector = sa.inspect(engine)
    assert "accounts" in inspector.get_table_names()
    assert inspector.get_view_names() == []
    table = sa.Table("accounts", sa.MetaData(), autoload_with=engine)
    columns = [(column.name, column.primary_key, column.nullable) for column in table.columns]
    assert columns == [("id", True, False), ("balance", False, False), ("note", False, True)]


def test_sqlalchemy_sessions(engine: sa.Engine) -> None:
    with Session(engine) as one, Session(engine) as other:
        for session in (one, other):
            account = session.get_one(Account, 1)
            account.balance -= 1
            session.flush()
        one.commit()
        with pytest.raises(sa.exc.DBAPIError, match="OC000"):
            other.commit()
        other.rollback()
        other.add(Account(id=3, balance=7, note="new"))
        other.commit()
        assert other.scalar(sa.select(sa.func.sum(Account.balance))) == 206
