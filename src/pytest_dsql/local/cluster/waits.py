"""Waits between transactions: where PostgreSQL would have one wait for another, Aurora DSQL does not."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

from pytest_dsql.local.cluster.catalog_reader import CatalogReader
from pytest_dsql.local.cluster.connections import Connection
from pytest_dsql.local.cluster.jobs import Jobs
from pytest_dsql.local.cluster.sessions import OpenSession

WATCH_S: Final = 0.02
"""How often statements that take long are looked at: nobody may wait for another transaction."""
PATIENCE_S: Final = 0.5
"""How long is waited for statements at work, and by a job for transactions of others: mostly they end by themselves."""

# Commits wait for each other, by an advisory lock, at a row or a file's end, until the other is done; that is not
# waiting, however long a busy machine takes. At a row of the catalog one may wait for a transaction that does nothing.
# Who reads the catalog waits for open schema changes; one that is at work will be open, or over, in a moment.
_WAITS: Final = """
SELECT DISTINCT w.pid AS waiting, b.pid AS blocking, b.state = 'active' AS works
  FROM pg_stat_activity w, unnest(pg_blocking_pids(w.pid)) u JOIN pg_stat_activity b ON b.pid = u
 WHERE w.wait_event_type = 'Lock' AND w.wait_event NOT IN ('advisory', 'extend')
   AND (w.wait_event NOT IN ('transactionid', 'tuple') AND w.pid <> %s OR b.state <> 'active')
"""


class Waits:
    """Ends waits that last. ``connection`` is one that never waits itself."""

    def __init__(
        self, connection: Connection, sessions: Mapping[int, OpenSession], jobs: Jobs, reader: CatalogReader
    ) -> None:
        self._connection, self._sessions, self._jobs, self._reader = connection, sessions, jobs, reader

    async def watch(self) -> None:
        """Doom the transactions that others wait for, for ever."""
        working: dict[int, object | None] = {}
        since: dict[tuple[Any, ...], float] = {}
        while True:
            await asyncio.sleep(WATCH_S)
            before, working = working, {pid: session.in_flight for pid, session in self._sessions.items()}
            long = any(work is not None and before.get(pid) is work for pid, work in working.items())
            if long or self._reader.at_work or self._jobs.submitter is not None:
                since = await self._look(since)
            else:
                since = {}

    async def _look(self, before: dict[tuple[Any, ...], float]) -> dict[tuple[Any, ...], float]:
        """End the waits that have lasted; return since when each has been seen, by ``before``."""
        now = time.monotonic()
        found = await (await self._connection.execute(_WAITS, (self._reader.pid,))).fetchall()
        since = {pair: before.get(pair, now) for row in found for pair in [tuple(row.values())]}
        queueing = {waiting for waiting, _, _ in since}
        for (waiting, blocking, works), begun in since.items():
            # Who waits itself is not what holds the others up.
            if blocking not in queueing or blocking == self._jobs.building:
                await self._end(waiting, blocking, now - begun, works=works)
        return since

    async def _end(self, waiting: int, blocking: int, seconds: float, *, works: bool) -> None:
        """End a wait that lasts, unless what is waited for is at work on a schema change, which ends by itself."""
        session = self._sessions.get(blocking)
        if blocking == self._jobs.building and waiting in self._sessions:
            await self.cancel(blocking)
        elif session and not (works and session.changes_schema):
            of_job = waiting in self._jobs.pids
            # Twice seen is enough where nothing goes on: two commits may meet for a moment.
            if seconds > (PATIENCE_S if of_job or works else 0) and not (of_job and blocking == self._jobs.submitter):
                session.doom()

    async def cancel(self, pid: int) -> None:
        """End what a session is running."""
        await self._connection.execute("SELECT pg_cancel_backend(%s)", (pid,))
