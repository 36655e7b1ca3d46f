"""aurora-dsql-tortoise-orm on psycopg and asyncpg: schemas with indexes, objects, relations and a conflict."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.fix_clients import LIMIT_S, Exported

NOT_INSTALLED = "is not installed; it comes with --group clients"
tortoise: Any = pytest.importorskip("tortoise", reason=f"tortoise-orm {NOT_INSTALLED}")
pytest.importorskip("aurora_dsql_tortoise", reason=f"aurora-dsql-tortoise-orm {NOT_INSTALLED}")

Run = Callable[[Callable[[Any], Awaitable[None]]], None]


@pytest.fixture(params=["psycopg", "asyncpg"])
def run(exported: Exported, request: pytest.FixtureRequest) -> Run:
    """Run work on the models with their schema generated; every row goes with it."""

    async def begin(work: Callable[[Any], Awaitable[None]]) -> None:
        from tests.clients import choir

        driver = request.param  # names the connection, too: Tortoise keeps the statements that it made for a name
        credentials = {"host": exported.host, "user": "admin"}
        connections = {driver: {"engine": f"aurora_dsql_tortoise.{driver}", "credentials": credentials}}
        apps = {"models": {"models": ["tests.clients.choir"], "default_connection": driver}}
        await tortoise.Tortoise.init(config={"connections": connections, "apps": apps})
        try:
            await tortoise.Tortoise.generate_schemas()
            for model in (choir.Rehearsal, choir.Song, choir.Singer):
                await model.all().delete()
            await work(choir)
        finally:
            await tortoise.Tortoise.close_connections()

    exported.wait_for_builds()
    return lambda work: asyncio.run(asyncio.wait_for(begin(work), LIMIT_S))


def test_every_index_is_made(run: Run, exported: Exported) -> None:
    async def nothing(_: Any) -> None:
        """The schema is all."""

    run(nothing)
    exported.wait_for_builds()
    query = "SELECT tablename, count(*) FROM pg_indexes WHERE schemaname = 'public' GROUP BY 1 ORDER BY 1"
    assert exported.ask(query) == [("rehearsal", 2), ("singer", 5), ("song", 2), ("song_singer", 1)]


def test_objects_and_relations(run: Run) -> None:
    async def work(choir: Any) -> None:
        ada = await choir.Singer.create(name="Ada", voice="alto", email="ada@example.org")
        song = await choir.Song.create(title="Canon")
        await song.singers.add(ada)
        for day in (1, 2):
            await choir.Rehearsal.create(on=dt.date(2026, 1, day), song=song)
        found = await choir.Song.filter(singers__voice="alto").prefetch_related("singers", "rehearsals")
        assert [(s.title, len(s.singers), len(s.rehearsals)) for s in found] == [("Canon", 1, 2)]
        await choir.Singer.bulk_create(choir.Singer(name=n, voice="bass", email=f"{n}@x.org") for n in "abc")
        assert await choir.Singer.filter(voice="bass").update(voice="tenor") == 3
        assert await choir.Singer.filter(voice="tenor").order_by("name").values_list("name", flat=True) == list("abc")

    run(work)


def test_the_second_of_two_transactions_loses_at_commit(run: Run, exported: Exported) -> None:
    from tortoise.expressions import F
    from tortoise.transactions import in_transaction

    async def work(choir: Any) -> None:
        song = await choir.Song.create(title="Twice")

        async def sing(*, contested: bool) -> None:
            async with in_transaction() as connection:
                await choir.Song.filter(pk=song.pk).using_db(connection).update(sung=F("sung") + 1)
                if contested:
                    exported.ask(f"UPDATE song SET sung = sung + 10 WHERE id = {song.pk}")

        with pytest.raises(Exception, match="OC000") as caught:  # the driver's own: COMMIT's are not translated
            await sing(contested=True)
        assert getattr(caught.value, "sqlstate", None) == "40001"
        await sing(contested=False)
        await song.refresh_from_db()
        assert song.sung == 11

    run(work)
