"""Asynchronous jobs of a cluster: index builds and validations, one after the other, each behind its transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql as composed

Connection = psycopg.AsyncConnection[dict[str, Any]]
Connect = Callable[[str], Awaitable[Connection]]
Done = Callable[[int], Awaitable[None]]

PROCESSING, COMPLETED, FAILED = "processing", "completed", "failed"
DUPLICATES: Final = "Found duplicate key while validating index for UCVs"
"""What a unique build says that meets duplicates (live protocol of 2026-07)."""
GIVES_WAY: Final = (
    psycopg.errors.QueryCanceled,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
PAUSE_S: Final = 0.02
_WAITING: Final = "SELECT * FROM occ.job WHERE status IN ('submitted', 'processing') ORDER BY start_time"
_INDEXES: Final = """SELECT indexrelid::int8 AS oid, indisvalid AS valid, indexrelid::regclass::text AS name
                       FROM pg_index WHERE indrelid = %s"""
_NOTE: Final = """UPDATE occ.job SET status = {}, details = {}, object_name = {}, update_time = clock_timestamp()
                   WHERE job_id = {}"""


async def prepare(connection: Connection) -> None:
    """Have a connection see what was committed until each statement, and keep the engine from following by itself."""
    await connection.execute("SET default_transaction_isolation = 'read committed'")
    await connection.execute("SET occ.following = '1'")


class Jobs:
    """The worker, with a superuser's connection. A build has nobody's DDL wait: it gives way, and begins anew.

    ``connect`` opens a connection of a role: a job has the rights of who asked for it, as it computes what users have
    defined. ``is_busy`` says whether the session that asked for a job is in a transaction, which then has to end before
    the engine follows; ``done`` is told when a job has ended. Both know the session by its process.
    """

    def __init__(self, connection: Connection, connect: Connect, is_busy: Callable[[int], bool], done: Done) -> None:
        self._connection, self._connect, self._is_busy, self._done = connection, connect, is_busy, done
        self._added = asyncio.Event()
        self.submitter: int | None = None
        self.building: int | None = None

    @property
    def pids(self) -> set[int | None]:
        """The processes that do the work: ours, and the one that builds, as long as it does."""
        return {self._connection.info.backend_pid, self.building}

    def added(self) -> None:
        """Say that a transaction with a new job has committed."""
        self._added.set()

    async def work(self) -> None:
        """Do jobs as they come, first those that an earlier run has left."""
        await prepare(self._connection)
        self._added.set()
        while True:
            await self._added.wait()
            self._added.clear()
            for job in await self._rows(_WAITING):
                self.submitter = job["pid"]
                await self._run(job)
                self.submitter = None

    async def _run(self, job: dict[str, Any]) -> None:
        await self._note(job, PROCESSING)
        status, details = COMPLETED, None
        try:
            await self._carry_out(job)
        except psycopg.errors.UniqueViolation:
            status, details = FAILED, DUPLICATES
        except psycopg.Error as error:
            status, details = FAILED, error.diag.message_primary or str(error)
        await self._done(job["pid"])
        await self._note(job, status, details)

    async def _carry_out(self, job: dict[str, Any]) -> None:
        resumed = job["status"] == PROCESSING
        kept = {row["oid"] for row in await self._rows(_INDEXES, job["object_id"]) if row["valid"] or not resumed}
        await self._take_back(job, kept)
        while not await self._succeeds(job):
            await self._take_back(job, kept)
        while self._is_busy(job["pid"]):
            await asyncio.sleep(PAUSE_S)
        await self._execute("SELECT occ.follow_job({})", job["object_id"])

    async def _succeeds(self, job: dict[str, Any]) -> bool:
        """Run a job's statement; False where it gave way."""
        async with await self._connect(job["owner"]) as builder:
            await prepare(builder)
            await builder.execute(composed.SQL("SET search_path = {}").format(composed.SQL(job["path"])))
            self.building = builder.info.backend_pid
            try:
                await builder.execute(composed.SQL(job["statement"]))
            except GIVES_WAY:
                return False
            finally:
                self.building = None
        return True

    async def _take_back(self, job: dict[str, Any], kept: set[int]) -> None:
        """Drop what a build that gave way has left: an index that is not valid."""
        for row in await self._rows(_INDEXES, job["object_id"]):
            if row["oid"] not in kept:
                await self._execute("DROP INDEX CONCURRENTLY IF EXISTS {}", composed.SQL(row["name"]))

    async def _note(self, job: dict[str, Any], status: str, details: str | None = None) -> None:
        name = job["object_name"] if status == PROCESSING else None
        await self._execute(_NOTE, status, details, name, job["job_id"])

    async def _rows(self, query: LiteralString, *values: object) -> list[dict[str, Any]]:
        return await (await self._connection.execute(query, values)).fetchall()

    async def _execute(self, statement: LiteralString, *values: Any) -> None:
        """Run a statement of the worker's own, again where it lost to a schema change."""
        while True:
            try:
                await self._connection.execute(composed.SQL(statement).format(*values))
            except GIVES_WAY:
                await asyncio.sleep(PAUSE_S)
            else:
                return
