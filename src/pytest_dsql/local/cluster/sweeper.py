"""What transactions leave behind in the engine's tables, taken away where nobody can ask for it; what is left."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, LiteralString

from pytest_dsql.local.cluster.connections import Connection

SWEEP_S: Final = 5.0
LITTER: Final = 20_000
"""How often overlays are looked at, and of how many rows one is to be swept: a few megabytes."""
PURGE_S: Final = 300.0


class Sweeper:
    """Sweeps by a connection of its own."""

    def __init__(self, connection: Connection, measured: Callable[[int], None]) -> None:
        """``measured`` is told how many bytes the cluster uses, now and then."""
        self._connection, self._measured = connection, measured

    async def work(self) -> None:
        """Sweep now and then, for ever."""
        await self._connection.execute("SET default_transaction_isolation = 'read committed'")
        purged = time.monotonic()
        while True:
            self._measured(await self._number("SELECT pg_database_size(current_database()) AS number"))
            await asyncio.sleep(SWEEP_S)
            await self._overlays(LITTER)
            if time.monotonic() - purged >= PURGE_S:
                purged = time.monotonic()
                await self._overlays(1)
                while await self._number("SELECT occ.purge() AS number"):
                    pass

    async def _overlays(self, least: int) -> None:
        cursor = await self._connection.execute("SELECT oid FROM occ.littered(%s) oid", (least,))
        for row in await cursor.fetchall():
            await self._number("SELECT occ.sweep(%s) AS number", row["oid"])

    async def _number(self, query: LiteralString, *arguments: object) -> int:
        row = await (await self._connection.execute(query, arguments)).fetchone()
        return int(row["number"]) if row else 0
