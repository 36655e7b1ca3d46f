"""A client's commands, turned into what PostgreSQL is sent for them, and into the answers that are then expected."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pytest_dsql.local.dialect import Catalog, Kind, Statement
from pytest_dsql.local.proxy import plan, wire
from pytest_dsql.local.proxy.plan import Plan
from pytest_dsql.local.proxy.rules.judge import Judge
from pytest_dsql.local.proxy.rules.transaction import FAILED
from pytest_dsql.local.proxy.units import Unit, relayed_runs

_OWN: Final = b"dsql_proxy"
_PLAIN: Final = Plan("")
_BIND: Final = b"B"
_PORTAL: Final = 5
"""Where in a Bind the name of the portal begins."""
_LIBPQ_RUN: Final = b"D\0\0\0\6P\0" + b"E\0\0\0\x09\0\0\0\0\0"
"""Describe and Execute of the unnamed portal: what libpq sends behind the Bind of a prepared statement."""
PREPARE_SNAPSHOT: Final = wire.parse(b"dsql_snapshot", plan.SNAPSHOT.sql)
"""What a session's connection is sent once, for the runs below."""
_SNAPSHOT_RUN: Final = wire.message(b"B", b"\0dsql_snapshot\0" + b"\0\0" * 3) + b"E\0\0\0\x09\0\0\0\0\0"
_NO_ROWS_BOUND: Final = wire.message(b"2") + wire.complete("SELECT 0")
_NO_ROWS: Final = wire.message(b"T", b"\0\0") + wire.complete("SELECT 0")
"""The answers to a snapshot's taking, by a run and in a text."""
_SYNCS: Final = frozenset({wire.SYNC, wire.SYNC + wire.FLUSH})
"""What ends it; psycopg's pipelines ask for a flush besides."""

Analyse = Callable[[str], list[Statement]]
Handler = Callable[[bytes, bytearray, Unit], None]


@dataclass(slots=True)
class Prepared:
    """A prepared statement: its text and the types of its parameters as the client sent them, and what became of it.

    ``catalog`` is the one that the plan was made for, None where PostgreSQL may not have it. A client that has it
    ``described`` counts on its columns.
    """

    text: str
    types: bytes
    plan: Plan
    catalog: Catalog | None
    described: bool = False


class Commands:
    """The commands of one session. ``analyse`` reads a text in the session's search path."""

    def __init__(self, judge: Judge, analyse: Analyse) -> None:
        self._judge, self._analyse = judge, analyse
        self._prepared: dict[bytes, Prepared] = {}
        self._portals: dict[bytes, Prepared] = {}
        # What EXPLAIN's portals are bound to, for what is run besides.
        self._values: dict[bytes, bytes] = {}
        # Whether the client may have had PostgreSQL forget the statement that takes a snapshot.
        self._deallocated = False
        self._handlers: dict[int, Handler] = {
            ord("P"): self._parse,
            ord("B"): self._bind,
            ord("D"): self._describe,
            ord("E"): self._execute,
            ord("C"): self._close,
        }

    def prepared(self, name: bytes) -> tuple[str, bytes]:
        """Return text and parameters' types of a prepared statement as the client sent them; empty where unknown."""
        prepared = self._prepared.get(name)
        return (prepared.text, prepared.types) if prepared else ("", b"\0\0")

    def take(self, kind: int, message: bytes, out: bytearray, unit: Unit) -> None:
        """Put into ``out`` what to send for a message of the extended protocol; others are sent as they are."""
        handler = self._handlers.get(kind)
        if handler:
            handler(message, out, unit)
        else:
            out += message

    @staticmethod
    def text(message: bytes) -> str:
        """Return the text of a Query or a Parse."""
        return wire.strings(message, 1 if message[:1] == b"Q" else 2, 5)[0][-1].decode(errors="replace")

    def query(self, message: bytes, out: bytearray) -> Unit:
        """Put into ``out`` what to send for a simple Query and return its unit."""
        text, unit = message[5:-1].decode(errors="replace"), Unit(simple=True)
        plans: list[Plan] = []
        begins = False
        for statement in self._analyse(text):
            begins = self._begins(statement)
            self._deallocated |= statement.kind is Kind.DEALLOCATE
            verdict = self._judge.verdict(statement, unit)
            plans += [*verdict.before, *([verdict.instead] if verdict.instead else plan.steps(plan.of(statement)))]
            begins = begins and verdict.instead is None
        if begins:
            plans.append(plan.SNAPSHOT)
            self._judge.rules.begun = plans[-2].statement
        sent = plans[0].sql if len(plans) == 1 else "".join(f"{each.sql}; " for each in plans)
        at, starts = 0, []
        for each in plans:
            if each is plan.SNAPSHOT:
                unit.expect_snapshot(_NO_ROWS, each)
            else:
                unit.expect(each, hidden=each.hidden)
            if each.statement:
                starts.append((at, each.statement))
            at += len(each.sql) + len("; ")
        unit.starts = starts
        out += message if sent == text else wire.query(sent)
        return unit

    def _begins(self, statement: Statement) -> bool:
        """Whether a statement is about to begin a transaction."""
        return statement.kind is Kind.BEGIN and not self._judge.rules.block

    def prepared_runs(self, data: bytes) -> tuple[Unit, bytes] | None:
        """Return the unit of prepared statements' runs as libpq sends them, in one piece, where they may go as is.

        The other is what to send: a snapshot is taken behind a BEGIN that comes alone.
        """
        runs = self._runs(data)
        last = runs[-1].plan.statement if runs else None
        begins = last is not None and self._begins(last)
        if (
            last is None
            or (begins and self._deallocated)
            or not all(each.plan.statement and self._judge.passes(each.plan.statement) for each in runs)
        ):
            return None
        self._portals[b""] = runs[-1]
        unit = relayed_runs(len(runs))
        if begins:
            self._judge.rules.begun = last
            unit.expect_snapshot(_NO_ROWS_BOUND, _PLAIN, _PLAIN)
            at = data.rindex(wire.SYNC)
            return unit, data[:at] + _SNAPSHOT_RUN + data[at:]
        return unit, data

    def _runs(self, data: bytes) -> list[Prepared]:
        """Return what such runs are of; nothing where ``data`` is anything else, or one is not merely relayed."""
        runs: list[Prepared] = []
        catalog, at = self._judge.catalog, 0
        while data.startswith(_BIND, at):
            end = wire.end_of_message(data, at)
            if not data.startswith(_LIBPQ_RUN, end) or data[at + _PORTAL]:
                return []
            name = at + _PORTAL + 1
            prepared = self._prepared.get(data[name : data.index(0, name)])
            if prepared is None or not prepared.plan.relayed or prepared.catalog is not catalog:
                return []
            runs.append(prepared)
            at = end + len(_LIBPQ_RUN)
        return runs if data[at:] in _SYNCS else []

    def _parse(self, message: bytes, out: bytearray, unit: Unit) -> None:
        (name, text), end = wire.strings(message, 2, 5)
        prepared = self._read(text.decode(errors="replace"), message[end:])
        if prepared is None:
            # PostgreSQL says what is wrong with several commands in one.
            unit.expect(_PLAIN)
            out += message
        elif not self._refused(prepared, out, unit):
            self._prepared[name] = prepared
            self._send_parse(name, prepared, out, unit, hidden=False)

    def _read(self, text: str, types: bytes) -> Prepared | None:
        """Return what is prepared by a text, None where it is not one statement."""
        catalog = self._judge.catalog
        statements = self._analyse(text)
        return Prepared(text, types, plan.of(statements[0]), catalog) if len(statements) == 1 else None

    def _refused(self, prepared: Prepared, out: bytearray, unit: Unit) -> bool:
        """Refuse a statement before it comes to its run, as PostgreSQL does in its analysis."""
        statement = prepared.plan.statement
        if statement is None or not self._judge.refuses(statement):
            return False
        self._before(statement, out, unit)
        return True

    def _see_latest(self, statement: Statement | None, out: bytearray, unit: Unit) -> None:
        """Have a schema change see the latest catalog; to analyse it may take the snapshot already."""
        if statement is None:
            return
        for hidden in self._judge.see_latest(statement):
            self._run_hidden(hidden, out, unit)
        self._judge.rules.look(statement)

    def _send_parse(self, name: bytes, prepared: Prepared, out: bytearray, unit: Unit, *, hidden: bool) -> None:
        self._see_latest(prepared.plan.statement, out, unit)
        unit.expect(prepared.plan, hidden=hidden)
        unit.starts = [(0, prepared.plan.statement)] if prepared.plan.statement else []
        out += wire.parse(name, prepared.plan.sql, prepared.types)

    def _renewed(self, name: bytes, out: bytearray, unit: Unit) -> Prepared | None:
        """Return a prepared statement by its name, prepared again where the catalog has changed since.

        PostgreSQL never runs a statement again whose columns have changed, and the plan may be another today. A client
        that counts on the columns has to hear of it, and prepares the statement again by itself.
        """
        prepared = self._prepared.get(name)
        if prepared is None or prepared.catalog is self._judge.catalog or self._judge.rules.status == FAILED:
            return prepared
        again = self._read(prepared.text, prepared.types) or prepared
        if prepared.described and again.plan.sql == prepared.plan.sql:
            again.described = True
        elif not self._refused(again, out, unit):
            out += wire.close_statement(name)
            unit.expect(_PLAIN, hidden=True)
            self._send_parse(name, again, out, unit, hidden=True)
            unit.renewed.append(name)
        self._prepared[name] = again
        return again

    def failed(self, unit: Unit) -> None:
        """Learn that a unit failed: what was to be prepared again in it may not have been."""
        for name in unit.renewed:
            if name in self._prepared:
                self._prepared[name].catalog = None

    def _bind(self, message: bytes, out: bytearray, unit: Unit) -> None:
        (portal, name), end = wire.strings(message, 2, 5)
        known = self._prepared.get(name)
        if known and self._refused(known, out, unit):
            return
        bound = self._renewed(name, out, unit)
        if bound is None:
            self._portals.pop(portal, None)
        else:
            self._portals[portal] = bound
            self._values[portal] = message[end:] if bound.plan.explanation else b""
        shown = bound.plan if bound else _PLAIN
        self._see_latest(shown.statement, out, unit)
        unit.expect(shown)
        if shown.hide_columns:
            message = wire.message(b"B", wire.widen_formats(message[5:], shown.hide_columns))
        out += message

    def _describe(self, message: bytes, out: bytearray, unit: Unit) -> None:
        name, of_statement = message[6:-1], message[5:6] == b"S"
        known = self._renewed(name, out, unit) if of_statement else self._portals.get(name)
        if known:
            known.described = of_statement
        unit.expect(known.plan if known else _PLAIN)
        out += message

    def _execute(self, message: bytes, out: bytearray, unit: Unit) -> None:
        (portal,), _ = wire.strings(message, 1, 5)
        bound = self._portals.get(portal)
        statement = bound.plan.statement if bound else None
        begins = statement is not None and self._begins(statement)
        if statement:
            self._deallocated |= statement.kind is Kind.DEALLOCATE
            self._before(statement, out, unit)
        # A portal that is run on, for more rows, is not explained again.
        values = self._values.pop(portal, b"")
        for step in plan.steps(bound.plan) if bound and values else [bound.plan if bound else _PLAIN]:
            if step.hidden and bound:
                self._run_hidden(step, out, unit, *((bound.types, values) if step.kept else ()))
            else:
                unit.expect(step)
                out += message
        if begins:
            self._judge.rules.begun = statement
            self._run_hidden(plan.SNAPSHOT, out, unit)

    def _close(self, message: bytes, out: bytearray, unit: Unit) -> None:
        known = self._prepared if message[5:6] == b"S" else self._portals
        known.pop(message[6:-1], None)
        unit.expect(_PLAIN)
        out += message

    def _before(self, statement: Statement, out: bytearray, unit: Unit) -> None:
        """Run what the judge wants to be run before a statement, or in its place: an error, which ends the unit."""
        verdict = self._judge.verdict(statement, unit)
        for hidden in [*verdict.before, *([verdict.instead] if verdict.instead else [])]:
            self._run_hidden(hidden, out, unit)

    def _run_hidden(self, hidden: Plan, out: bytearray, unit: Unit, *bound: bytes) -> None:
        """Run a statement of the proxy's own, ``bound`` to the types and values of parameters."""
        for _ in ("Close", "Close", "Parse", "Bind"):
            unit.expect(_PLAIN, hidden=True)
        unit.expect(hidden, hidden=True)
        out += wire.run(_OWN, hidden.sql, *bound)
