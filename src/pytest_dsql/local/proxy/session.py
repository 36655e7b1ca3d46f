"""One client's session: its messages in, PostgreSQL's answers out, with Aurora DSQL's rules in between."""

import asyncio
import contextlib
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Final

import psycopg

from pytest_dsql.local import explain
from pytest_dsql.local.cluster.cluster import Cluster
from pytest_dsql.local.cluster.mailbox import Question
from pytest_dsql.local.dialect import Catalog, Explanation, Kind, Statement
from pytest_dsql.local.proxy import wire
from pytest_dsql.local.proxy.answers import Answers
from pytest_dsql.local.proxy.commands import PREPARE_SNAPSHOT, Commands
from pytest_dsql.local.proxy.rules.judge import Changes, Judge
from pytest_dsql.local.proxy.rules.transaction import IDLE, IN_TRANSACTION
from pytest_dsql.local.proxy.stop import Stop
from pytest_dsql.local.proxy.units import Unit
from pytest_dsql.local.proxy.upstream import Upstream
from pytest_dsql.local.tasks import not_before

_EXPLAIN: Final = re.compile(rb"explain", re.IGNORECASE)
_FLUSH: Final = ord("H")
_QUERY: Final = ord("Q")
_SYNC: Final = ord("S")
_TERMINATE: Final = ord("X")
_TEXTS: Final = frozenset(b"QP")
_COPYING: Final = frozenset(b"dcf")
_AHEAD: Final = 1024 * 1024
"""How many bytes a client may have sent ahead before it is made to wait."""
_SEARCH_PATH: Final = "SELECT to_json(current_schemas(false))"

Rows = list[list[str | None]]


class ClientSession:
    """The relay between a client and its upstream, from the first query on.

    One unit at a time: a Query, or everything up to a Sync, is sent on when the unit before it has been answered. So
    what the rules know of the transaction is what PostgreSQL has reported, however much a client sends ahead.
    """

    def __init__(self, cluster: Cluster, client: asyncio.Transport, user: str) -> None:
        self.cluster, self.client = cluster, client
        self.search_path: tuple[str, ...] = ()
        self.pid = 0
        self.upstream: Upstream | None = None
        self.on_end: Callable[[], None] = lambda: None
        self._judge = Judge(cluster, user)
        self._rules = self._judge.rules
        self._commands = Commands(self._judge, self._analyse)
        self._stop = Stop(cluster.hold, self._commands.prepared, self._advance)
        self._answers = Answers(self._finished, self._described, self._noticed, self._explained)
        self._unit: Unit | None = None
        self._pending = b""
        self._blocked = True
        self._answered = False
        # A message that waits for statistics of what it has explained, and the last that has waited.
        self._measuring = False
        self._measured = b""

    def begin(self, upstream: Upstream) -> None:
        """Start relaying; the first thing is to learn the search path."""
        self.upstream, self.pid = upstream, upstream.pid
        self._judge.pid = upstream.pid
        self.cluster.sessions[self.pid] = self
        upstream.send(PREPARE_SNAPSHOT)
        self._learn_search_path(self._ready)

    @property
    def in_flight(self) -> Unit | None:
        """What PostgreSQL has not answered yet."""
        return self._unit

    @property
    def in_transaction(self) -> bool:
        """Whether the client has a transaction open."""
        return self._rules.block

    @property
    def changes_schema(self) -> bool:
        """Whether the transaction has run a schema change, or does."""
        return self._rules.ddl

    def close(self) -> None:
        """End both sides; PostgreSQL rolls back what is open."""
        self.client.abort()

    def ended(self) -> None:
        """Let go of the upstream, whichever side ended first."""
        self.on_end()
        self._stop.ended()
        self.cluster.session_ended(self.pid)
        if self.upstream:
            self.upstream.close()
            self.upstream = None

    def _analyse(self, text: str) -> list[Statement]:
        return self.cluster.analyse(text, self.search_path)

    # The client's messages

    def client_data(self, data: bytes) -> None:
        """Take what the client sends."""
        held = self.cluster.hold.on
        if self._unit is None and not (self._blocked or self._pending or held) and self.upstream:
            runs = self._commands.prepared_runs(data)
            if runs:
                self._unit, data = runs
                self._blocked = True
                self.upstream.send(data)
                return
        self._pending = self._pending + data if self._pending else data
        self._advance()

    def _advance(self) -> None:
        """Send on what may be sent on now."""
        end, out, pending = 0, bytearray(), self._pending
        for kind, at, end_of_message in wire.messages(pending):
            if self._has_to_wait(kind, pending, at, end_of_message):
                break
            if self.cluster.hold.on and not self._stop.passes(kind, pending, at, self._unit, self.pid):
                out += wire.FLUSH if self._stop.waits else b""
                break
            end = end_of_message
            self._message(kind, pending[at:end], out)
        self._pending = pending[end:]
        if self._judge.cut:
            self.cluster.commits["cut"] += 1
        if self._judge.cut or wire.declared_length(self._pending) > self.cluster.limits.message:
            self.close()
            return
        if self._blocked and len(self._pending) > _AHEAD:
            self.client.pause_reading()
        if out:
            self._send(bytes(out))

    def _has_to_wait(self, kind: int, pending: bytes, at: int, end: int) -> bool:
        """Whether a message waits for an answer to what was sent before, or for what has to be known of its tables."""
        if (self._blocked or self._measuring) and kind not in _COPYING and kind != _TERMINATE:
            return True
        return kind in _TEXTS and self._has_to_measure(pending[at:end])

    def _message(self, kind: int, message: bytes, out: bytearray) -> None:
        if kind == _TERMINATE:
            self.close()
        elif kind == _QUERY:
            self._unit = self._commands.query(message, out)
            self._blocked = True
        elif kind in _COPYING:
            out += message
        elif kind == _FLUSH and self._unit is None:
            pass  # behind a Sync, as psycopg's pipelines have it: nothing is left to be flushed
        else:
            self._unit = self._unit or Unit(simple=False, plain=not self._rules.doomed)
            self._commands.take(kind, message, out, self._unit)
            self._blocked = kind == _SYNC

    def _has_to_measure(self, message: bytes) -> bool:
        """Whether a message waits until PostgreSQL knows the sizes of the tables whose plan it asks for."""
        if not _EXPLAIN.search(message):
            return False
        if message == self._measured:
            self._measured = b""
            return False
        statements = self._analyse(self._commands.text(message))
        relations = [each.relations for each in statements if each.kind is Kind.EXPLAIN and not each.refusal]
        self._measuring = any(relations)
        if self._measuring:
            self.cluster.spawn(self._measure(message, frozenset().union(*relations)))
        return self._measuring

    async def _measure(self, message: bytes, relations: frozenset[int]) -> None:
        # A table that goes meanwhile is PostgreSQL's to miss.
        with contextlib.suppress(psycopg.Error, OSError):
            await explain.measure(self.cluster.url, relations)
        self._measured, self._measuring = message, False
        if self.upstream:
            self._advance()

    def _explained(self, explanation: Explanation, plan: str, run: str | None) -> list[str]:
        return explain.shown(explanation, plan, run, self.cluster.catalog)

    def _send(self, data: bytes) -> None:
        upstream, delay, self._judge.delay = self.upstream, self._judge.delay, 0.0
        if upstream and delay:
            not_before(delay, partial(upstream.send, data))
        elif upstream:
            upstream.send(data)

    # PostgreSQL's answers

    def upstream_data(self, data: bytes) -> None:
        """Take what PostgreSQL says."""
        unit = self._unit
        if unit and unit.plain and self._answers.empty:
            settled = wire.settled(data)
            if settled:
                status, described = settled
                if described:
                    data = self._shown(data, described)
                if unit.trailer:
                    data = data[: -len(unit.trailer) - len(wire.ready(status))] + wire.ready(status)
                self._relay(data, status, unit)
                return
        self._read(data, unit)

    def _shown(self, data: bytes, described: list[int]) -> bytes:
        """Return an answer with its descriptions of rows as the client is to have them."""
        parts, kept = [], 0
        for at in described:
            end = wire.end_of_message(data, at)
            parts += [data[kept:at], self._described(data[at:end])]
            kept = end
        return b"".join([*parts, data[kept:]])

    def _described(self, message: bytes) -> bytes:
        """Return a description of rows that names users' tables where PostgreSQL's names the engine's views of them."""
        cluster = self.cluster
        return cluster.descriptions.get(message, lambda: wire.with_origins(message, cluster.catalog.origin))

    def _relay(self, data: bytes, status: bytes, unit: Unit) -> None:
        """Relay an answer, or its end, that changes nothing that anybody has to be told; most are."""
        self._unit = None
        self._judge.settled(status, unit)
        self._tell(data)
        self._blocked = False
        if self._pending:
            self._go_on()

    def _read(self, data: bytes, unit: Unit | None) -> None:
        out = self._answers.read(data, unit)
        if unit and unit.deaf:
            if self._unit is None:
                self.close()
            return
        if out:
            self._tell(out)
        if self._answered:
            self._answered = False
            self._go_on()
        elif self._stop.waits and unit and not unit.replies:
            self._advance()

    def _tell(self, data: bytes) -> None:
        if self.cluster.hold.on:
            self._stop.hear(data)
        self.client.write(data)

    def _finished(self, unit: Unit, status: bytes) -> bytes:
        """Take the end of a unit: PostgreSQL is ready, in this transaction status."""
        self._unit = None
        if unit.internal:
            unit.internal(unit.rows)
            return b""
        if unit.failed:
            self._commands.failed(unit)
        self._judge.settled(status, unit)
        status = self._rules.status
        if self._judge.changes.due(status):
            self._settle(unit, status)
            return b""
        self._answered = True
        return wire.ready(status)

    def _noticed(self, fields: wire.Fields) -> bool:
        """Take a notice that is for the proxy: a routine's body does what the rules are about, or asks what to run."""
        match fields.get("C"):
            case "OCC00":
                self._judge.learn(fields["M"])
                if self._unit:
                    self._unit.plain = False
            case "OCC01":
                question = Question(fields["D"], fields["M"], tuple(json.loads(fields["H"])))
                self.cluster.spawn(self._answer(question))
            case _:
                return False
        return True

    async def _answer(self, question: Question) -> None:
        """Answer a routine; what it has created and committed has to be known by then."""
        if self._judge.changes.inner:
            await self.cluster.catalog_changed(self)
        self.cluster.translate(question, self.pid)

    def _settle(self, unit: Unit, status: bytes) -> None:
        """See to what changed for everybody, or for this session, before the client goes on."""
        changes = self._judge.changes
        kept = unit.committed or not (unit.failed or unit.rolled_back)
        if status == IDLE:
            self._judge.changes = Changes()
        if changes.catalog and (kept or changes.inner) and status == IDLE:
            self.cluster.spawn(self._catalog_changed(job=changes.job))
        else:
            self._learn_search_path(self._ready)

    async def _catalog_changed(self, *, job: bool) -> None:
        try:
            await self.cluster.catalog_changed(by=self)
        except Exception:
            # A client is told that something is wrong, rather than nothing for ever.
            self.close()
            raise
        if job:
            self.cluster.jobs.added()
        self._learn_search_path(self._ready)

    def _learn_search_path(self, then: Callable[[], None]) -> None:
        def learn(rows: Rows) -> None:
            # Where the transaction failed meanwhile there is no answer, and the path is learned at its end.
            if rows and rows[0][0]:
                self.search_path = tuple(json.loads(rows[0][0]))
            then()

        self._rules.looked |= self._rules.status == IN_TRANSACTION  # the question takes a snapshot
        self._ask(_SEARCH_PATH, learn)

    def _ask(self, sql: str, then: Callable[[Rows], None]) -> None:
        """Run a query of the proxy's own between the client's units."""
        self._blocked = True
        self._unit = Unit(simple=True, internal=then, plain=False)
        self._send(wire.query(sql))

    def _ready(self) -> None:
        """Tell the client that it may go on."""
        self.client.write(wire.ready(self._rules.status))
        self._go_on()

    def _go_on(self) -> None:
        """Take what the client has sent ahead."""
        self._blocked = False
        self.client.resume_reading()
        self._advance()

    # Schema changes of others

    def catalog_changed(self, before: Catalog) -> None:
        """Learn that another session has changed the catalog, which was ``before``."""
        self._rules.cache.changed(before)

    def doom(self) -> None:
        """Roll back what is open, so that a schema change can pass; the client learns of it as OC001."""
        if self._unit is None and self._rules.status == IN_TRANSACTION and not self._rules.doomed:
            self._ask("ROLLBACK", self._rolled_back)
        elif self._unit is not None and self._unit.internal is None:
            self._answers.cancelled = True
            self.cluster.spawn(self.cluster.waits.cancel(self.pid))

    def _rolled_back(self, _rows: Rows) -> None:
        self._rules.doom()
        self._go_on()
