"""What transactions leave behind in the engine's tables, taken away where nobody can ask for it any more."""

import asyncio
import time
from typing import Final, LiteralString

from pytest_dsql.local.cluster.connections import Connection

SWEEP_S: Final = 5.0
LITTER: Final = 20_000
"""How often overlays are looked at, and of how many rows one is to be swept: a few megabytes."""
PURGE_S: Final = 300.0


class Sweeper:
    """Sweeps by a connection of its own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def work(self) -> None:
        """Sweep now and then, for ever."""
        await self._connection.execute("SET default_transaction_isolation = 'read committed'")
        purged = time.monotonic()
        while True:
            await asyncio.sleep(SWEEP_S)
            await self._overlays(LITTER)
            if time.monotonic() - purged >= PURGE_S:
                purged = time.monotonic()
                await self._overlays(1)
                while await self._removed("SELECT occ.purge() AS removed"):
                    pass

    async def _overlays(self, least: int) -> None:
        cursor = await self._connection.execute("SELECT oid FROM occ.littered(%s) oid", (least,))
        for row in await cursor.fetchall():
            await self._removed("SELECT occ.sweep(%s) AS removed", row["oid"])

    async def _removed(self, query: LiteralString, *arguments: object) -> int:
        row = await (await self._connection.execute(query, arguments)).fetchone()
        return int(row["removed"]) if row else 0
