"""One client's session: its messages in, PostgreSQL's answers out, with Aurora DSQL's rules in between."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Final

from infra.local.cluster import Cluster
from infra.local.dialect import Kind, Refusal, Statement
from infra.local.proxy import plan, wire
from infra.local.proxy.answers import Answers
from infra.local.proxy.plan import Plan
from infra.local.proxy.rules import FAILED, IDLE, IN_TRANSACTION, Rules
from infra.local.proxy.units import Unit
from infra.local.proxy.upstream import Upstream

_OWN: Final = b"dsql_proxy"
_COPYING: Final = frozenset(b"dcf")
_TERMINATE: Final = ord("X")
_PLAIN: Final = Plan("")
_LIBPQ_RUN: Final = b"D\0\0\0\6P\0" + b"E\0\0\0\x09\0\0\0\0\0" + wire.SYNC
"""Describe and Execute of the unnamed portal, and Sync: what libpq sends behind the Bind of a prepared statement."""
_AHEAD: Final = 1024 * 1024
"""How many bytes a client may have sent ahead before it is made to wait."""
_SEARCH_PATH: Final = "SELECT to_json(current_schemas(false))"
_JOBS: Final = frozenset({Kind.CREATE_INDEX_ASYNC, Kind.VALIDATE_ASYNC})


class Session:
    """The relay between a client and its upstream, from the first query on.

    One unit at a time: a Query, or everything up to a Sync, is sent on when the unit before it has been answered. So
    what the rules know of the transaction is what PostgreSQL has reported, however much a client sends ahead.
    """

    def __init__(self, cluster: Cluster, client: asyncio.Transport, user: str) -> None:
        self.cluster, self.client, self.user = cluster, client, user
        self.rules = Rules(cluster.limits, cluster.version)
        self.search_path: tuple[str, ...] = ()
        self.pid = 0
        self.upstream: Upstream | None = None
        self.on_end: Callable[[], None] = lambda: None
        self._answers = Answers(self._finished)
        self._prepared: dict[bytes, Plan] = {}
        self._portals: dict[bytes, Plan] = {}
        self._unit: Unit | None = None
        self._pending = b""
        self._blocked = True
        self._ddl = self._job = self._path = False
        self._tables: frozenset[str] = frozenset()
        self._delay = 0.0
        self._cut = self._answered = False
        self._handlers = {
            ord("Q"): self._query,
            ord("P"): self._parse,
            ord("B"): self._bind,
            ord("D"): self._describe,
            ord("E"): self._execute,
            ord("C"): self._close,
            ord("S"): self._sync,
            _TERMINATE: self._terminate,
        }

    def begin(self, upstream: Upstream) -> None:
        """Start relaying; the first thing is to learn the search path."""
        self.upstream, self.pid = upstream, upstream.pid
        self.cluster.sessions[self.pid] = self
        self._learn_search_path(self._ready)

    @property
    def in_flight(self) -> Unit | None:
        """What PostgreSQL has not answered yet."""
        return self._unit

    def close(self) -> None:
        """End both sides; PostgreSQL rolls back what is open."""
        self.client.abort()

    def ended(self) -> None:
        """Let go of the upstream, whichever side ended first."""
        self.on_end()
        self.cluster.sessions.pop(self.pid, None)
        if self.upstream:
            self.upstream.close()

    # The client's messages

    def client_data(self, data: bytes) -> None:
        """Take what the client sends."""
        if self._pending:
            self._pending += data
        else:
            self._pending = data
        self._advance()

    def _advance(self) -> None:
        """Send on what may be sent on now."""
        if not self._blocked and self._unit is None and self._prepared_run(self._pending):
            self._send(self._pending)
            self._pending = b""
            return
        end, out, pending = 0, bytearray(), self._pending
        for kind, at, end_of_message in wire.messages(pending):
            if self._blocked and kind not in _COPYING and kind != _TERMINATE:
                break
            end = end_of_message
            self._message(kind, pending[at:end], out)
        self._pending = pending[end:]
        if self._cut or wire.declared_length(self._pending) > self.cluster.limits.message:
            self.close()
            return
        if self._blocked and len(self._pending) > _AHEAD:
            self.client.pause_reading()
        if out:
            self._send(bytes(out))

    def _send(self, data: bytes) -> None:
        upstream, delay, self._delay = self.upstream, self._delay, 0.0
        if upstream and delay:
            asyncio.get_running_loop().call_later(delay, upstream.send, data)
        elif upstream:
            upstream.send(data)

    def _message(self, kind: int, message: bytes, out: bytearray) -> None:
        handler = self._handlers.get(kind)
        if handler:
            handler(message, out)
        else:
            out += message

    def _terminate(self, _message: bytes, _out: bytearray) -> None:
        self.close()

    # Simple queries

    def _query(self, message: bytes, out: bytearray) -> None:
        text = message[5:-1].decode(errors="replace")
        unit = self._unit = Unit(simple=True)
        self._blocked = True
        plans = [each for statement in self._analyse(text) for each in self._plans(statement)]
        if len(plans) == 1 and plans[0].sql == text:
            unit.expect("C", plans[0])
            unit.starts = [(0, plans[0].statement)] if plans[0].statement else []
            out += message
            return
        sent = ""
        for each in plans:
            unit.expect("C", each, hidden=each.hidden)
            if each.statement:
                unit.starts.append((len(sent), each.statement))
            sent += each.sql + "; "
        out += wire.query(sent)

    def _analyse(self, text: str) -> list[Statement]:
        return self.cluster.analyse(text, self.search_path)

    def _plans(self, statement: Statement) -> list[Plan]:
        """Return what to send for a statement of a simple Query."""
        before = [plan.BEGIN] if self.rules.doomed else []
        refusal = self._judge(statement)
        if refusal and statement.kind is not Kind.COMMIT:
            return [*before, plan.refuse(refusal)]
        failure = refusal or self._commit_failure(statement)
        return [*before, *([plan.fail_at_commit(failure)] if failure else []), plan.of(statement)]

    # The rules and the faults

    def _judge(self, statement: Statement) -> Refusal | None:
        refusal = self.rules.refusal(statement, self.cluster.version, time.monotonic())
        if refusal is None:
            self._ddl |= statement.counts_as_ddl
            self._job |= statement.kind in _JOBS
            self._path |= statement.changes_search_path or statement.kind is Kind.RESET
        return refusal

    def _commit_failure(self, statement: Statement) -> Refusal | None:
        """Apply the faults that a test has put in force; return the failure of this statement's commit."""
        faults = self.cluster.faults
        if not faults.rules:
            return None
        if statement.writes:
            self._tables |= statement.tables
        self._delay += sum(f.seconds for f in faults.take("statement", self.user, self.pid, self._tables))
        if statement.kind is not Kind.COMMIT and (self.rules.block or not statement.writes):
            return None
        failure = None
        for fault in faults.take("commit", self.user, self.pid, self._tables):
            self._delay += fault.seconds
            self._cut |= fault.action == "cut_before"
            if fault.action == "cut_after" and self._unit:
                self._unit.deaf = True
            if fault.action == "fail":
                failure = Refusal(fault.sqlstate, fault.message)
        self._tables = frozenset()
        return failure

    # The extended protocol

    def _open_unit(self) -> Unit:
        if self._unit is None:
            self._unit = Unit(simple=False)
        return self._unit

    def _expect(self, kind: str, answer: Plan, *, hidden: bool = False) -> None:
        self._open_unit().expect(kind, answer, hidden=hidden)

    def _run_hidden(self, hidden: Plan, out: bytearray) -> None:
        """Run a statement of the proxy's own in the midst of the client's."""
        for kind in "312C":
            self._expect(kind, _PLAIN, hidden=True)
        out += wire.run(_OWN, hidden.sql)

    def _parse(self, message: bytes, out: bytearray) -> None:
        (name, text), end = wire.strings(message, 2, 5)
        statements = self._analyse(text.decode(errors="replace"))
        if len(statements) != 1:
            # PostgreSQL says what is wrong with several commands in one.
            self._expect("1", _PLAIN)
            out += message
            return
        statement = statements[0]
        if statement.refusal and self.rules.status != FAILED:
            # A doomed transaction fails for another reason, as any other statement would find.
            self._before_execute(statement, out)
            return
        self._prepared[name] = prepared = plan.of(statement)
        self._expect("1", prepared)
        self._open_unit().starts = [(0, statement)]
        out += wire.parse(name, prepared.sql, message[end:])

    def _close(self, message: bytes, out: bytearray) -> None:
        known = self._prepared if message[5:6] == b"S" else self._portals
        known.pop(message[6:-1], None)
        self._expect("3", _PLAIN)
        out += message

    def _sync(self, message: bytes, out: bytearray) -> None:
        self._open_unit()
        self._blocked = True
        out += message

    def _bind(self, message: bytes, out: bytearray) -> None:
        (portal, name), _ = wire.strings(message, 2, 5)
        bound = self._portals[portal] = self._prepared.get(name, _PLAIN)
        self._expect("2", bound)
        if bound.hide_columns:
            message = wire.message(b"B", wire.widen_formats(message[5:], bound.hide_columns))
        out += message

    def _describe(self, message: bytes, out: bytearray) -> None:
        known = self._prepared if message[5:6] == b"S" else self._portals
        self._expect("T", known.get(message[6:-1], _PLAIN))
        out += message

    def _execute(self, message: bytes, out: bytearray) -> None:
        (portal,), _ = wire.strings(message, 1, 5)
        bound = self._portals.get(portal, _PLAIN)
        if bound.statement:
            self._before_execute(bound.statement, out)
        self._expect("C", bound)
        out += message

    def _prepared_run(self, data: bytes) -> bool:
        """Take the run of a prepared statement as libpq sends it, in one piece; False where there is more to it."""
        if (
            data[-len(_LIBPQ_RUN) :] != _LIBPQ_RUN
            or data[:1] != b"B"
            or data[5]
            or wire.first_end(data) != len(data) - len(_LIBPQ_RUN)
        ):
            return False
        prepared = self._prepared.get(data[6 : data.index(0, 6)])
        statement = prepared.statement if prepared else None
        if prepared is None or statement is None or prepared.hide_columns or self.cluster.faults.rules:
            return False
        if self.rules.may_be_refused(statement, self.cluster.version) or (statement.writes and not self.rules.block):
            return False
        self._judge(statement)
        self._portals[b""] = prepared
        unit = self._open_unit()
        for kind in "2TC":
            unit.expect(kind, prepared)
        self._blocked = True
        return True

    def _before_execute(self, statement: Statement, out: bytearray) -> None:
        if self.rules.doomed:
            self._run_hidden(plan.BEGIN, out)
        refusal = self._judge(statement)
        if statement.writes and not self.rules.block:
            self._open_unit().implicit = True
        if refusal and statement.kind is not Kind.COMMIT:
            self._run_hidden(plan.refuse(refusal), out)
            return
        failure = refusal or self._commit_failure(statement)
        if failure:
            self._run_hidden(plan.fail_at_commit(failure), out)

    # PostgreSQL's answers

    def upstream_data(self, data: bytes) -> None:
        """Take what PostgreSQL says."""
        if self._relayed(data):
            return
        unit = self._unit
        out = self._answers.read(data, unit)
        if unit and unit.deaf:
            if self._unit is None:
                self.close()
            return
        if out:
            self.client.write(out)
        if self._answered:
            self._answered = False
            self._go_on()

    def _relayed(self, data: bytes) -> bool:
        """Relay an answer that is whole, good news, and changes nothing that anybody has to be told; most are."""
        unit = self._unit
        if unit is None or not unit.plain or unit.internal or unit.deaf or unit.implicit:
            return False
        if self._ddl or self._path or not self._answers.empty:
            return False
        status = wire.settled_status(data)
        if status is None:
            return False
        self._unit = None
        self.rules.settled(status)
        self.client.write(data)
        self._blocked = False
        if self._pending:
            self._go_on()
        return True

    def _finished(self, unit: Unit, status: bytes) -> bytes:
        """Take the end of a unit: PostgreSQL is ready, in this transaction status."""
        self._unit = None
        if unit.internal:
            unit.internal(unit.rows)
            return b""
        self.rules.settled(status)
        if (self._ddl and status == IDLE) or (self._path and status != FAILED):
            self._settle(unit, status)
            return b""
        self._answered = True
        return wire.ready(status)

    def _settle(self, unit: Unit, status: bytes) -> None:
        """See to what changed for everybody, or for this session, before the client goes on."""
        changed = self._ddl and status == IDLE and (unit.committed or not (unit.failed or unit.rolled_back))
        job = changed and self._job
        if status == IDLE:
            self._ddl = self._job = self._path = False
        if changed:
            self.cluster.spawn(self._catalog_changed(job=job))
        else:
            self._learn_search_path(self._ready)

    async def _catalog_changed(self, *, job: bool) -> None:
        self.rules.seen = await self.cluster.catalog_changed()
        if job:
            self.cluster.job_added()
        self._learn_search_path(self._ready)

    def _learn_search_path(self, then: Callable[[], None]) -> None:
        def learn(rows: list[list[str | None]]) -> None:
            # Where the transaction failed meanwhile there is no answer, and the path is learned at its end.
            if rows and rows[0][0]:
                self.search_path = tuple(json.loads(rows[0][0]))
            then()

        self._ask(_SEARCH_PATH, learn)

    def _ask(self, sql: str, then: Callable[[list[list[str | None]]], None]) -> None:
        """Run a query of the proxy's own between the client's units."""
        self._blocked = True
        self._unit = Unit(simple=True, internal=then)
        self._send(wire.query(sql))

    def _ready(self) -> None:
        """Tell the client that it may go on."""
        self.client.write(wire.ready(self.rules.status))
        self._go_on()

    def _go_on(self) -> None:
        """Take what the client has sent ahead."""
        self._blocked = False
        self.client.resume_reading()
        self._advance()

    # Schema changes of others

    def doom(self) -> None:
        """Roll back what is open, so that a schema change can pass; the client learns of it as OC001."""
        if self._unit is None and self.rules.status == IN_TRANSACTION and not self.rules.doomed:
            self._ask("ROLLBACK", self._rolled_back)
        elif self._unit is not None and self._unit.internal is None:
            self._answers.cancelled = True
            self.cluster.spawn(self.cluster.cancel(self.pid))

    def _rolled_back(self, _rows: list[list[str | None]]) -> None:
        self.rules.doomed = True
        self._go_on()
