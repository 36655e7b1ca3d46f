"""One cluster of the stand-in: a PostgreSQL of its own with the OCC engine, its catalog, its sessions."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, LiteralString, Protocol

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from pytest_dsql.local import occ
from pytest_dsql.local.dialect import Catalog, Column, Statement, Table, UniqueIndex, View, analyse, answered, shown
from pytest_dsql.local.faults import Faults
from pytest_dsql.local.iam.principals import Document
from pytest_dsql.local.jobs import Jobs
from pytest_dsql.local.mailbox import Mailbox, Question
from pytest_dsql.local.proxy import wire
from pytest_dsql.local.proxy.rules import Limits
from pytest_dsql.local.routines import Routines
from pytest_dsql.local.tasks import Tasks

ANALYSES: Final = 4_096
LONGEST_KEPT: Final = 10_000
"""How many texts' analyses are kept, and of how many characters; all go whenever the catalog changes."""
READS: Final = 100
"""How often the catalog is read where each time something was dropped meanwhile."""
WATCH_S: Final = 0.02
"""How often statements that take long are looked at: nobody may wait for another transaction."""
PATIENCE_S: Final = 0.5
"""How long is waited for statements at work, and by a job for transactions of others: mostly they end by themselves."""
SWEEP_S: Final = 5.0
LITTER: Final = 20_000
"""How often overlays are looked at, and of how many rows one is to be swept: a few megabytes."""
PURGE_S: Final = 300.0

_CATALOG: Final = """
SELECT c.schema, c.relname, c.kind, c.oid, c.shadow, c.columns, c.unique_indexes, s.view AS shadow_oid,
       s.attnums, (SELECT count(*) FROM pg_index x WHERE x.indrelid = c.oid) AS indexes,
       (SELECT count(*) FROM pg_statistic_ext WHERE stxrelid = c.oid) AS statistics,
       (SELECT coalesce(jsonb_agg(pg_get_expr(conbin, conrelid) ORDER BY conname), '[]')
          FROM pg_constraint WHERE conrelid = c.oid AND contype = 'c') AS checks,
       (SELECT ev_action::text FROM pg_rewrite WHERE ev_class = c.oid AND ev_type = '1') AS rule,
       ARRAY(SELECT DISTINCT d.refobjid::bigint FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
              WHERE c.kind = 'v' AND r.ev_class = c.oid AND d.classid = 'pg_rewrite'::regclass
                AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid) AS reads
  FROM occ.catalog() c LEFT JOIN occ.shadowed s ON s.base = c.oid
"""
_SCHEMAS: Final = (
    "SELECT nspname, format('pg_occ_%s', oid) AS shadow FROM pg_namespace WHERE occ.is_user_schema(nspname)"
)
_OTHERS: Final = """SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE c.relkind = 'S' AND occ.is_user_schema(n.nspname)"""
# Commits wait for each other, by an advisory lock, at a row or a file's end, until the other is done; that is not
# waiting, however long a busy machine takes. At a row of the catalog one may wait for a transaction that does nothing.
# Who reads the catalog waits for open schema changes; one that is at work will be open, or over, in a moment.
_WAITS: Final = """
SELECT DISTINCT w.pid AS waiting, b.pid AS blocking, b.state = 'active' AS works
  FROM pg_stat_activity w, unnest(pg_blocking_pids(w.pid)) u JOIN pg_stat_activity b ON b.pid = u
 WHERE w.wait_event_type = 'Lock' AND w.wait_event NOT IN ('advisory', 'extend')
   AND (w.wait_event NOT IN ('transactionid', 'tuple') AND w.pid <> %s OR b.state <> 'active')
"""


class Session(Protocol):
    """What a cluster asks of the sessions it has."""

    pid: int

    @property
    def in_flight(self) -> object | None:
        """What PostgreSQL is working on for it, None where nothing."""

    @property
    def in_transaction(self) -> bool:
        """Whether its client has a transaction open."""

    @property
    def changes_schema(self) -> bool:
        """Whether its transaction has run a schema change, or does."""

    def catalog_changed(self, before: Catalog) -> None:
        """Learn that another session has changed the catalog, which was ``before``."""

    def doom(self) -> None:
        """Roll back what is open, so that a schema change can pass; the client learns of it as OC001."""

    def close(self) -> None:
        """End the session."""


@dataclass
class Cluster:
    """A running cluster. ``url`` is its PostgreSQL's, for the superuser; ``host`` the endpoint clients ask for."""

    id: str
    region: str
    account: str
    url: str
    limits: Limits = field(default_factory=Limits)
    strict_catalog: bool = False
    catalog: Catalog = field(default_factory=Catalog)
    sessions: dict[int, Session] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    policy: Document | None = None
    """Its resource-based policy."""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The cluster's endpoint."""
        return f"{self.id}.dsql.{self.region}.on.aws"

    @property
    def arn(self) -> str:
        """The cluster's ARN, as IAM policies name it."""
        return f"arn:aws:dsql:{self.region}:{self.account}:cluster/{self.id}"

    def __post_init__(self) -> None:
        self._analyses: dict[tuple[str, tuple[str, ...]], list[Statement]] = {}
        self._descriptions: dict[bytes, bytes] = {}
        self._taken, self._refilled = 0.0, time.monotonic()
        self._tasks = Tasks()
        self._reading = 0

    async def start(self) -> None:
        """Install what makes a stock PostgreSQL a cluster, and begin to watch it."""
        await asyncio.to_thread(self._install)
        self._control = await self._connect()
        self._reader = await self._connect()
        self._sweeper = await self._connect()
        self._worker = await self._connect()
        self._routines = Routines(self._reader)
        self._mail = Mailbox(Path((await self._read("SHOW data_directory"))[0]["data_directory"]))
        self.jobs = Jobs(self._worker, self._connect, self._is_busy, self._job_done)
        await self._load()
        self.spawn(self._watch())
        self.spawn(self.jobs.work())
        self.spawn(self._sweep())

    def _install(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            occ.install(connection)
            connection.execute(files("pytest_dsql.local").joinpath("system.sql").read_bytes())
            connection.execute(shown.views().encode())

    async def _connect(self, role: str | None = None) -> psycopg.AsyncConnection[dict[str, Any]]:
        url = make_conninfo(self.url, user=role) if role else self.url
        return await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task that ends with the cluster."""
        self._tasks.spawn(work)

    async def close(self) -> None:
        """Stop watching and working; sessions are their listener's to close."""
        await self._tasks.cancel()
        await self._control.close()
        await self._reader.close()
        await self._sweeper.close()
        await self._worker.close()

    def analyse(self, sql: str, search_path: tuple[str, ...]) -> list[Statement]:
        """Analyse a message; texts seen before cost a look-up."""
        key = (sql, search_path)
        found = self._analyses.get(key)
        if found is None:
            found = analyse(sql, self.catalog, search_path)
            if len(self._analyses) >= ANALYSES:
                self._analyses.clear()
            if len(sql) <= LONGEST_KEPT:
                self._analyses[key] = found
        return found

    def described(self, message: bytes) -> bytes:
        """Return a RowDescription that names users' tables where PostgreSQL's names the engine's views of them."""
        found = self._descriptions.get(message)
        if found is None:
            found = wire.with_origins(message, self.catalog.origin)
            if len(self._descriptions) >= ANALYSES:
                self._descriptions.clear()
            self._descriptions[message] = found
        return found

    async def catalog_changed(self, by: Session | None = None) -> None:
        """Tell all sessions but the one that made it of a committed schema change, and read the catalog again."""
        for session in list(self.sessions.values()):
            if session is not by:
                session.catalog_changed(self.catalog)
        self._reading += 1
        try:
            await self._load()
        finally:
            self._reading -= 1

    async def _load(self) -> None:
        tables: dict[tuple[str, str], Table] = {}
        views: dict[tuple[str, str], View] = {}
        for row in await self._read(_CATALOG):
            key = (row["schema"], row["relname"])
            if row["rule"]:
                views[key] = View(*key, row["oid"], _columns(row), row["rule"], frozenset(row["reads"]))
            elif row["shadow"]:
                tables[key] = _table(row)
        shadows = {row["nspname"]: row["shadow"] for row in await self._read(_SCHEMAS)}
        others = frozenset((row["nspname"], row["relname"]) for row in await self._read(_OTHERS))
        catalog = Catalog(tables, views, frozenset(shadows), shadows, self.catalog.routines, others)
        self.catalog = replace(catalog, routines=await self._routines.read(catalog))
        self._analyses.clear()
        self._descriptions.clear()

    def translate(self, question: Question, pid: int) -> None:
        """Answer a routine that is about to EXECUTE a text: it finds in its mailbox what to run in its place."""
        self._mail.answer(pid, question, *answered(question.text, self.catalog, question.search_path))

    def session_ended(self, pid: int) -> None:
        """Forget a session."""
        self.sessions.pop(pid, None)
        self._mail.close(pid)

    async def _read(self, query: LiteralString) -> list[dict[str, Any]]:
        """Read the catalog, again where it changes meanwhile.

        A function that is to describe a row may find that it was dropped; it waits for schema changes that are open.
        """
        for _ in range(READS - 1):
            try:
                return await (await self._reader.execute(query)).fetchall()
            except (psycopg.errors.InternalError_, psycopg.errors.DeadlockDetected):
                continue
        return await (await self._reader.execute(query)).fetchall()

    async def mapped_arns(self, role: str) -> set[str] | None:
        """Return the ARNs that may sign in as ``role``, None where there is no such role that may sign in."""
        query = """SELECT r.rolname, m.arn FROM pg_roles r LEFT JOIN occ.iam_mapping m ON m.role = r.oid
                   WHERE r.rolname = %s AND r.rolcanlogin AND NOT r.rolsuper"""
        rows = await (await self._control.execute(query, (role,))).fetchall()
        return {row["arn"] for row in rows if row["arn"]} if rows else None

    def admits(self) -> bool:
        """Take one connection from the rate that the service allows; False where there is none left."""
        now = time.monotonic()
        refill = (now - self._refilled) * self.limits.connect_rate
        self._taken, self._refilled = max(0.0, self._taken - refill), now
        if self._taken + 1 > self.limits.connect_burst:
            return False
        self._taken += 1
        return True

    async def cancel(self, pid: int) -> None:
        """End what a session is running."""
        await self._control.execute("SELECT pg_cancel_backend(%s)", (pid,))

    async def _watch(self) -> None:
        """Doom the transactions that others wait for: where PostgreSQL would wait, Aurora DSQL does not."""
        working: dict[int, object | None] = {}
        waits: dict[tuple[int, int, bool], float] = {}
        while True:
            await asyncio.sleep(WATCH_S)
            before, working = working, {pid: session.in_flight for pid, session in self.sessions.items()}
            long = any(work is not None and before.get(pid) is work for pid, work in working.items())
            if not (long or self._reading or self.jobs.submitter is not None):
                waits = {}
                continue
            now = time.monotonic()
            found = await (await self._control.execute(_WAITS, (self._reader.info.backend_pid,))).fetchall()
            waits = {pair: waits.get(pair, now) for row in found for pair in [tuple(row.values())]}
            queueing = {waiting for waiting, _, _ in waits}
            for (waiting, blocking, works), since in waits.items():
                # Who waits itself is not what holds the others up.
                if blocking not in queueing or blocking == self.jobs.building:
                    await self._end_wait(waiting, blocking, now - since, works=works)

    async def _end_wait(self, waiting: int, blocking: int, seconds: float, *, works: bool) -> None:
        """End a wait that lasts, unless what is waited for is at work on a schema change, which ends by itself."""
        session = self.sessions.get(blocking)
        if blocking == self.jobs.building and waiting in self.sessions:
            await self.cancel(blocking)
        elif session and not (works and session.changes_schema):
            of_job = waiting in self.jobs.pids
            # Twice seen is enough where nothing goes on: two commits may meet for a moment.
            if seconds > (PATIENCE_S if of_job or works else 0) and not (of_job and blocking == self.jobs.submitter):
                session.doom()

    async def _sweep(self) -> None:
        """Take away what transactions leave behind in the engine's tables, where nobody can ask for it any more."""
        await self._sweeper.execute("SET default_transaction_isolation = 'read committed'")
        purged = time.monotonic()
        while True:
            await asyncio.sleep(SWEEP_S)
            await self._sweep_overlays(LITTER)
            if time.monotonic() - purged >= PURGE_S:
                purged = time.monotonic()
                await self._sweep_overlays(1)
                while await self._removed("SELECT occ.purge() AS removed"):
                    pass

    async def _sweep_overlays(self, least: int) -> None:
        cursor = await self._sweeper.execute("SELECT oid FROM occ.littered(%s) oid", (least,))
        for row in await cursor.fetchall():
            await self._removed("SELECT occ.sweep(%s) AS removed", row["oid"])

    async def _removed(self, query: LiteralString, *arguments: object) -> int:
        row = await (await self._sweeper.execute(query, arguments)).fetchone()
        return int(row["removed"]) if row else 0

    def _is_busy(self, pid: int) -> bool:
        session = self.sessions.get(pid)
        return session is not None and session.in_transaction

    async def _job_done(self, submitter: int) -> None:
        """The end of a job is news to all but the session that asked for it."""
        await self.catalog_changed(by=None if self.strict_catalog else self.sessions.get(submitter))


def _columns(row: dict[str, Any]) -> tuple[Column, ...]:
    return tuple(
        Column(c["name"], c["type"], c["default"], c["generated"], c["always"], c["number"], c["not_null"])
        for c in row["columns"]
    )


def _table(row: dict[str, Any]) -> Table:
    columns = _columns(row)
    names = {column.name for column in columns}
    # The keys of an index that was dropped while it was read are not known any more.
    indexes = tuple(_unique_index(index, names) for index in row["unique_indexes"] if None not in index["keys"])
    return Table(
        schema=row["schema"],
        name=row["relname"],
        shadow_schema=row["shadow"],
        columns=columns,
        unique_indexes=indexes,
        index_count=row["indexes"],
        oid=row["oid"],
        shadow_oid=row["shadow_oid"],
        checks=tuple(row["checks"]),
        statistics=row["statistics"],
        places=tuple(row["attnums"]),
    )


def _unique_index(index: dict[str, Any], names: set[str]) -> UniqueIndex:
    keys = tuple(_column(key, names) for key in index["keys"])
    expressions = tuple(text for text, key in zip(index["keys"], keys, strict=True) if key is None)
    return UniqueIndex(
        index["name"], keys, index["predicate"], index["primary"], index["nulls_not_distinct"], expressions
    )


def _column(key: str, names: set[str]) -> str | None:
    """Return the column that an index's key text names, quoted or not; None for an expression."""
    unquoted = key[1:-1].replace('""', '"') if key.startswith('"') else key
    return unquoted if unquoted in names else None
