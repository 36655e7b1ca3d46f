"""Stock clients, unmodified: they connect with ``verify-full`` and a token, work, and hear of conflicts."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import psycopg2
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from tests.fix_cluster import Cluster
from tests.fix_sessions import Stage

LIMIT_S = 20
MARKER = "(OC000)"


@pytest.fixture
def path(module_stage: Stage, handle: object) -> str:
    """A schema with two accounts."""
    session = module_stage.set_up(
        "CREATE TABLE IF NOT EXISTS accounts (id int PRIMARY KEY, balance numeric(12, 2) NOT NULL, note text)",
        "DELETE FROM accounts",
        "INSERT INTO accounts VALUES (1, 100, 'one'), (2, 100, NULL)",
    )
    return str(session("SHOW search_path")[0])


@pytest.fixture
def settings(cluster: Cluster, path: str) -> dict[str, Any]:
    return cluster.settings(password=cluster.token(), options=f"-c search_path={path}")


# psycopg, asynchronous


def test_psycopg_async(settings: dict[str, Any]) -> None:
    async def transfer() -> None:
        async with (
            await psycopg.AsyncConnection.connect(**settings) as one,
            await psycopg.AsyncConnection.connect(**settings) as other,
        ):
            for connection in (one, other):
                cursor = await connection.execute("UPDATE accounts SET balance = balance - 1 WHERE id = 1 RETURNING id")
                assert await cursor.fetchall() == [(1,)]
            await one.commit()
            with pytest.raises(psycopg.errors.SerializationFailure, match="OC000"):
                await other.commit()
            await other.rollback()

    run(transfer())


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, LIMIT_S))


# psycopg2


def test_psycopg2(settings: dict[str, Any]) -> None:
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


@pytest.fixture
def open_asyncpg(cluster: Cluster, path: str) -> Callable[[], Coroutine[Any, Any, Any]]:
    """Connect to the endpoint's address; the name is verified all the same."""
    context = ssl.create_default_context(cafile=cluster.environment["PGSSLROOTCERT"])

    class Named(ssl.SSLContext):
        """asyncpg knows no hostaddr, so the name that is asked for and verified is set here."""

        def wrap_bio(self, *args: Any, **named: Any) -> ssl.SSLObject:
            return super().wrap_bio(*args, **{**named, "server_hostname": cluster.host})

    context.__class__ = Named
    environment = cluster.environment

    async def connect() -> Any:
        return await asyncpg.connect(
            host=environment["PGHOSTADDR"],
            port=int(environment["PGPORT"]),
            user="admin",
            password=cluster.token(),
            database="postgres",
            ssl=context,
            server_settings={"search_path": path},
            timeout=LIMIT_S,
        )

    return connect


def test_asyncpg_statements(open_asyncpg: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    async def work() -> None:
        connection = await open_asyncpg()
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


def test_asyncpg_arrays(open_asyncpg: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    async def work() -> None:
        connection = await open_asyncpg()
        assert await connection.fetchval("SELECT ARRAY[1, 2]") == [1, 2]
        assert await connection.fetchval("SELECT $1::uuid[]", [UUID(int=1)]) == [UUID(int=1)]
        await connection.close()

    run(work())


def test_asyncpg_transactions(open_asyncpg: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    async def work() -> None:
        one, other = await open_asyncpg(), await open_asyncpg()
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


# SQLAlchemy


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


def test_sqlalchemy_reflects(engine: sa.Engine, path: str) -> None:
    inspector = sa.inspect(engine)
    assert "accounts" in inspector.get_table_names(path)
    assert inspector.get_view_names(path) == []
    table = sa.Table("accounts", sa.MetaData(), autoload_with=engine, schema=path)
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


# psql


@pytest.fixture
def psql(settings: dict[str, Any]) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run psql on a script."""
    program = shutil.which("psql")
    if program is None:
        pytest.skip("psql is not installed")

    def run_script(script: str, *options: str) -> "subprocess.CompletedProcess[str]":
        command = [program, "-X", "-q", "-A", "-t", *options, psycopg.conninfo.make_conninfo(**settings)]
        return subprocess.run(command, input=script, capture_output=True, text=True, timeout=LIMIT_S, check=False)

    return run_script


def test_psql_runs_a_transaction(psql: Callable[..., Any]) -> None:
    done = psql(
        "BEGIN;\nUPDATE accounts SET balance = 1 WHERE id = 1;\nCOMMIT;\nSELECT id, balance FROM accounts ORDER BY id;"
    )
    assert (done.stdout, done.stderr) == ("1|1.00\n2|100.00\n", "")


def test_psql_describes(psql: Callable[..., Any], path: str) -> None:
    done = psql("\\d accounts\n\\dt\n\\dn\n\\du admin\n\\l\n", "-P", "tuples_only=off")
    assert done.stderr == ""
    assert "id|integer||not null|" in done.stdout
    assert '"accounts_pkey" PRIMARY KEY' in done.stdout
    assert f"{path}|accounts|table|admin" in done.stdout


def test_psql_stops_on_error_and_points_at_it(psql: Callable[..., Any]) -> None:
    done = psql("SELECT 1;\nSELECT nothing FROM accounts;\nSELECT 2;\n", "-v", "ON_ERROR_STOP=1")
    assert (done.returncode, done.stdout) == (3, "1\n")
    assert "LINE 1: SELECT nothing FROM accounts;\n               ^" in done.stderr


def test_psql_copies(psql: Callable[..., Any]) -> None:
    done = psql("\\copy accounts FROM STDIN\n7\t1\tx\n\\.\n\\copy (SELECT id FROM accounts ORDER BY id) TO STDOUT\n")
    assert (done.stdout, done.stderr) == ("1\n2\n7\n", "")
