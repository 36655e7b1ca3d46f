"""A client's commands, turned into what PostgreSQL is sent for them, and into the answers that are then expected."""

from collections.abc import Callable
from typing import Final

from infra.local.dialect import Statement
from infra.local.proxy import plan, wire
from infra.local.proxy.judge import Judge
from infra.local.proxy.plan import Plan
from infra.local.proxy.rules import FAILED
from infra.local.proxy.units import Unit, relayed_runs

_OWN: Final = b"dsql_proxy"
_PLAIN: Final = Plan("")
_BIND: Final = b"B"
_PORTAL: Final = 5
"""Where in a Bind the name of the portal begins."""
_LIBPQ_RUN: Final = b"D\0\0\0\6P\0" + b"E\0\0\0\x09\0\0\0\0\0"
"""Describe and Execute of the unnamed portal: what libpq sends behind the Bind of a prepared statement."""
_SYNCS: Final = frozenset({wire.SYNC, wire.SYNC + wire.FLUSH})
"""What ends it; psycopg's pipelines ask for a flush besides."""

Analyse = Callable[[str], list[Statement]]
Handler = Callable[[bytes, bytearray, Unit], None]


class Commands:
    """The commands of one session. ``analyse`` reads a text in the session's search path."""

    def __init__(self, judge: Judge, analyse: Analyse) -> None:
        self._judge, self._analyse = judge, analyse
        self._prepared: dict[bytes, Plan] = {}
        self._portals: dict[bytes, Plan] = {}
        self._handlers: dict[int, Handler] = {
            ord("P"): self._parse,
            ord("B"): self._bind,
            ord("D"): self._describe,
            ord("E"): self._execute,
            ord("C"): self._close,
        }

    def take(self, kind: int, message: bytes, out: bytearray, unit: Unit) -> None:
        """Put into ``out`` what to send for a message of the extended protocol; others are sent as they are."""
        handler = self._handlers.get(kind)
        if handler:
            handler(message, out, unit)
        else:
            out += message

    def query(self, message: bytes, out: bytearray) -> Unit:
        """Put into ``out`` what to send for a simple Query and return its unit."""
        text, unit = message[5:-1].decode(errors="replace"), Unit(simple=True)
        plans: list[Plan] = []
        for statement in self._analyse(text):
            verdict = self._judge.verdict(statement, unit)
            plans += [*verdict.before, verdict.instead or plan.of(statement)]
        sent = plans[0].sql if len(plans) == 1 else "".join(f"{each.sql}; " for each in plans)
        at, starts = 0, []
        for each in plans:
            unit.expect(each, hidden=each.hidden)
            if each.statement:
                starts.append((at, each.statement))
            at += len(each.sql) + len("; ")
        unit.starts = starts
        out += message if sent == text else wire.query(sent)
        return unit

    def prepared_runs(self, data: bytes) -> Unit | None:
        """Return the unit of prepared statements' runs as libpq sends them, in one piece, where they may go as is."""
        plans = self._runs(data)
        if not plans or not all(each.statement and self._judge.passes(each.statement) for each in plans):
            return None
        self._portals[b""] = plans[-1]
        return relayed_runs(len(plans))

    def _runs(self, data: bytes) -> list[Plan]:
        """Return the plans of such runs; none where ``data`` is anything else, or one of them is not merely relayed."""
        plans: list[Plan] = []
        at = 0
        while data.startswith(_BIND, at):
            end = wire.end_of_message(data, at)
            if not data.startswith(_LIBPQ_RUN, end) or data[at + _PORTAL]:
                return []
            name = at + _PORTAL + 1
            prepared = self._prepared.get(data[name : data.index(0, name)])
            if prepared is None or not prepared.relayed:
                return []
            plans.append(prepared)
            at = end + len(_LIBPQ_RUN)
        return plans if data[at:] in _SYNCS else []

    def _parse(self, message: bytes, out: bytearray, unit: Unit) -> None:
        (name, text), end = wire.strings(message, 2, 5)
        statements = self._analyse(text.decode(errors="replace"))
        if len(statements) != 1:
            # PostgreSQL says what is wrong with several commands in one.
            unit.expect(_PLAIN)
            out += message
            return
        statement = statements[0]
        if statement.refusal and self._judge.rules.status != FAILED:
            # A doomed transaction fails for another reason, as any other statement would find.
            self._before(statement, out, unit)
            return
        self._prepared[name] = prepared = plan.of(statement)
        unit.expect(prepared)
        unit.starts = [(0, statement)]
        out += wire.parse(name, prepared.sql, message[end:])

    def _bind(self, message: bytes, out: bytearray, unit: Unit) -> None:
        (portal, name), _ = wire.strings(message, 2, 5)
        bound = self._portals[portal] = self._prepared.get(name, _PLAIN)
        unit.expect(bound)
        if bound.hide_columns:
            message = wire.message(b"B", wire.widen_formats(message[5:], bound.hide_columns))
        out += message

    def _describe(self, message: bytes, out: bytearray, unit: Unit) -> None:
        known = self._prepared if message[5:6] == b"S" else self._portals
        unit.expect(known.get(message[6:-1], _PLAIN))
        out += message

    def _execute(self, message: bytes, out: bytearray, unit: Unit) -> None:
        (portal,), _ = wire.strings(message, 1, 5)
        bound = self._portals.get(portal, _PLAIN)
        if bound.statement:
            self._before(bound.statement, out, unit)
        unit.expect(bound)
        out += message

    def _close(self, message: bytes, out: bytearray, unit: Unit) -> None:
        known = self._prepared if message[5:6] == b"S" else self._portals
        known.pop(message[6:-1], None)
        unit.expect(_PLAIN)
        out += message

    def _before(self, statement: Statement, out: bytearray, unit: Unit) -> None:
        """Run what the judge wants to be run before a statement, or in its place: an error, which ends the unit."""
        verdict = self._judge.verdict(statement, unit)
        for hidden in [*verdict.before, *([verdict.instead] if verdict.instead else [])]:
            for _ in ("Close", "Close", "Parse", "Bind", "Execute"):
                unit.expect(_PLAIN, hidden=True)
            out += wire.run(_OWN, hidden.sql)
