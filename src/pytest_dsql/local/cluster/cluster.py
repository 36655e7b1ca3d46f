"""One cluster of the stand-in: a PostgreSQL of its own with the OCC engine, and what works for it."""

import asyncio
import logging
import os
import signal
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pytest_dsql.local import occ
from pytest_dsql.local.cluster.catalog_reader import CatalogReader
from pytest_dsql.local.cluster.connections import Connection, connect, held
from pytest_dsql.local.cluster.faults import FaultRules
from pytest_dsql.local.cluster.hold import Hold
from pytest_dsql.local.cluster.jobs import Jobs
from pytest_dsql.local.cluster.limits import Limits, Rate
from pytest_dsql.local.cluster.mailbox import Mailbox, Question
from pytest_dsql.local.cluster.sessions import OpenSession
from pytest_dsql.local.cluster.sweeper import Sweeper
from pytest_dsql.local.cluster.waits import Waits
from pytest_dsql.local.dialect import Catalog, Statement, analyse, answered
from pytest_dsql.local.dialect.rewrite import catalogs
from pytest_dsql.local.iam.principals import Document
from pytest_dsql.local.kept import Kept
from pytest_dsql.local.postgres.template import TemplateDatabase
from pytest_dsql.local.tasks import Tasks

LONGEST_KEPT: Final = 10_000
"""The analysis of a text with more characters is not kept."""
RECOVERY_LIMIT_S: Final = 60.0
"""How long a server that has ended may take to be there again."""
RECOVERY_PAUSE_S: Final = 0.02
SHUTDOWN: Final = "57P"
"""How the SQLSTATEs begin that a server's end has (PostgreSQL's errcodes); mostly it has no time to say one."""


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
    sessions: dict[int, OpenSession] = field(default_factory=dict)
    faults: FaultRules = field(default_factory=FaultRules)
    hold: Hold = field(default_factory=Hold)
    policy: Document | None = None
    """Its resource-based policy."""
    tags: dict[str, str] = field(default_factory=dict)
    lost: Callable[[str], None] = logging.getLogger(__name__).error
    """Is told where its server ended and does not come back."""
    commits: Counter[str] = field(default_factory=Counter)
    """How many transactions ended by COMMIT, autocommit included: committed, lost (40001), failed, cut."""
    conflicts: Counter[str] = field(default_factory=Counter)
    """How often a client was told 40001, at COMMIT or before, by the service's name for it: OC000, OC001."""
    size: int = 0
    """How many bytes it was found to use."""

    @property
    def host(self) -> str:
        """The cluster's endpoint."""
        return f"{self.id}.dsql.{self.region}.on.aws"

    @property
    def arn(self) -> str:
        """The cluster's ARN, as IAM policies name it."""
        return f"arn:aws:dsql:{self.region}:{self.account}:cluster/{self.id}"

    def __post_init__(self) -> None:
        self._template: TemplateDatabase | None = None
        self.rate = Rate(self.limits)
        self.descriptions = Kept[bytes, bytes]()
        """What the proxy makes of PostgreSQL's descriptions of rows."""
        self._analyses = Kept[tuple[str, tuple[str, ...]], list[Statement]]()
        self._tasks, self._leaving = Tasks(), AsyncExitStack()
        self._recovery = Tasks()
        self.standing = asyncio.Event()
        """Set while its server answers."""

    async def start(self, *, kept: bool = False) -> None:
        """Install what makes a stock PostgreSQL a cluster, and begin to work for it.

        One whose contents are ``kept`` for a next time cannot be emptied.
        """
        await asyncio.to_thread(self._install)
        if not kept:
            self._template = await asyncio.to_thread(TemplateDatabase, self.url)
            self._prepare(self._template)
        await self._begin()

    async def empty(self) -> None:
        """Let it be as it was at first: no session, no contents, no roles, no faults, the service's limits."""
        if self._template is None:
            raise ValueError("a cluster whose contents are kept is not emptied")
        self.end_sessions()
        await self._end()
        await self._preparing
        await asyncio.to_thread(self._template.restore)
        self._prepare(self._template)
        self.faults.rules.clear()
        self.hold.turn(on=False)
        self.commits.clear()
        self.conflicts.clear()
        self.limits.reset()
        self.rate = Rate(self.limits)
        self.catalog = Catalog()
        await self._begin()

    def _prepare(self, template: TemplateDatabase) -> None:
        """Have the next emptying prepared while this cluster is used."""
        self._preparing = asyncio.get_running_loop().run_in_executor(None, template.prepare)

    async def _begin(self) -> None:
        self._control = await self._connected()
        self._reader = CatalogReader(await self._connected())
        self._mail = Mailbox(Path(await self._setting("data_directory")))
        self.jobs = Jobs(await self._connected(), lambda role: connect(self.url, role), self._is_busy, self._job_done)
        self.waits = Waits(self._control, self.sessions, self.jobs, self._reader)
        sweeper = Sweeper(await self._connected(), self._measured)
        lifeline = await self._connected()
        await self._load()
        for work in (self.waits.watch(), self.jobs.work(), sweeper.work(), held(lifeline)):
            self.spawn(self._as_long_as_it_stands(work))
        self.standing.set()

    async def _as_long_as_it_stands(self, work: Coroutine[Any, Any, None]) -> None:
        """Work until the server is gone, whoever notices first; then begin anew."""
        try:
            await work
        except psycopg.OperationalError as error:
            if error.sqlstate and not error.sqlstate.startswith(SHUTDOWN):
                raise
            self._fallen()

    @property
    def full(self) -> bool:
        """Whether it uses more than it may."""
        return self.size > self.limits.storage

    def _measured(self, size: int) -> None:
        self.size = size

    def _fallen(self) -> None:
        """Learn that the server is gone."""
        if self.standing.is_set():
            self.standing.clear()
            self._recovery.spawn(self._recover())

    async def kill_server(self) -> None:
        """End its server without a chance to tidy up, and wait until it serves again; raise TimeoutError."""
        pid_file = Path(await self._setting("data_directory")) / "postmaster.pid"
        os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)
        self._fallen()
        async with asyncio.timeout(RECOVERY_LIMIT_S):
            await self.standing.wait()

    async def end_backend(self, pid: int) -> None:
        """End a session's process, as an operator does."""
        await self._control.execute("SELECT pg_terminate_backend(%s)", (pid,))

    async def _recover(self) -> None:
        """Begin anew on a server that was started again; without one, tell ``lost``."""
        self.end_sessions()
        await self._end()
        try:
            async with asyncio.timeout(RECOVERY_LIMIT_S):
                await self._begin_again()
        except TimeoutError:
            self.lost(f"PostgreSQL of cluster {self.id} has ended and cannot be started again")

    async def _begin_again(self) -> None:
        while not self.standing.is_set():
            try:
                await self._begin()
            except psycopg.OperationalError:
                await self._end()
                await asyncio.sleep(RECOVERY_PAUSE_S)
                if not Path(str(conninfo_to_dict(self.url)["host"])).exists():  # its owner has given up
                    raise TimeoutError from None
        if self._template:
            await asyncio.gather(self._preparing, return_exceptions=True)
            self._prepare(self._template)

    def _install(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            occ.install(connection)
            connection.execute(files("pytest_dsql.local.cluster").joinpath("system.sql").read_bytes())
            connection.execute(catalogs.views().encode())

    async def _connected(self) -> Connection:
        connection = await connect(self.url)
        self._leaving.push_async_callback(connection.close)
        return connection

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task that ends with the cluster."""
        self._tasks.spawn(work)

    async def close(self) -> None:
        """Stop working; sessions are their listener's to close."""
        await self._recovery.cancel()
        await self._end()
        if self._template:
            await asyncio.gather(self._preparing, return_exceptions=True)

    def end_sessions(self) -> None:
        """End all sessions."""
        for session in list(self.sessions.values()):
            session.close()

    async def _end(self) -> None:
        self.standing.clear()
        await self._tasks.cancel()
        await self._leaving.aclose()

    def analyse(self, sql: str, search_path: tuple[str, ...]) -> list[Statement]:
        """Analyse a message; texts seen before cost a look-up."""
        return self._analyses.get(
            (sql, search_path), lambda: analyse(sql, self.catalog, search_path), keep=len(sql) <= LONGEST_KEPT
        )

    async def catalog_changed(self, by: OpenSession | None = None) -> None:
        """Tell all sessions but the one that made it of a committed schema change, and read the catalog again."""
        for session in list(self.sessions.values()):
            if session is not by:
                session.catalog_changed(self.catalog)
        await self._load()

    async def _load(self) -> None:
        self.catalog = await self._reader.read(self.catalog)
        self._analyses.clear()
        self.descriptions.clear()

    def translate(self, question: Question, pid: int) -> None:
        """Answer a routine that is about to EXECUTE a text: it finds in its mailbox what to run in its place."""
        self._mail.answer(pid, question, *answered(question.text, self.catalog, question.search_path))

    def session_ended(self, pid: int) -> None:
        """Forget a session."""
        self.sessions.pop(pid, None)
        self._mail.close(pid)

    async def _setting(self, name: str) -> str:
        row = await (await self._control.execute("SELECT current_setting(%s) AS value", (name,))).fetchone()
        return str(row["value"]) if row else ""

    async def mapped_arns(self, role: str) -> set[str] | None:
        """Return the ARNs that may sign in as ``role``, None where there is no such role that may sign in."""
        query = """SELECT r.rolname, m.arn FROM pg_roles r LEFT JOIN occ.iam_mapping m ON m.role = r.oid
                   WHERE r.rolname = %s AND r.rolcanlogin AND NOT r.rolsuper"""
        rows = await (await self._control.execute(query, (role,))).fetchall()
        return {row["arn"] for row in rows if row["arn"]} if rows else None

    def _is_busy(self, pid: int) -> bool:
        session = self.sessions.get(pid)
        return session is not None and session.in_transaction

    async def _job_done(self, submitter: int) -> None:
        """The end of a job is news to all but the session that asked for it."""
        await self.catalog_changed(by=None if self.strict_catalog else self.sessions.get(submitter))
