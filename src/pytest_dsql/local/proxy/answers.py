"""PostgreSQL's answers, read as they stream by: relayed as they are but for what a plan or a rule changes in them."""

from collections.abc import Callable
from typing import Final

from pytest_dsql.local import explain
from pytest_dsql.local.dialect import Explanation
from pytest_dsql.local.proxy import wire
from pytest_dsql.local.proxy.plan import Plan
from pytest_dsql.local.proxy.rules import errors
from pytest_dsql.local.proxy.units import Unit

_ROW: Final = ord("D")
_ERROR: Final = ord("E")
_DESCRIPTION: Final = ord("T")
_READY: Final = ord("Z")
_NOTICE: Final = ord("N")
_DONE: Final = frozenset(b"CIs")

Finished = Callable[[Unit, bytes], bytes]
Described = Callable[[bytes], bytes]
Noticed = Callable[[wire.Fields], bool]
Explained = Callable[[Explanation, str, str | None], list[str]]


class Answers:
    """The reader of one session. ``finished`` is told the end of a unit and returns what the client is to hear of it.

    ``described`` returns a description of rows as the client is to have it; ``noticed`` is asked of each notice whether
    it was for the proxy; ``explained`` returns the rows of the answer to EXPLAIN. ``cancelled`` says that the running
    statement was ended to let a schema change pass.
    """

    def __init__(self, finished: Finished, described: Described, noticed: Noticed, explained: Explained) -> None:
        self._finished, self._described, self._noticed = finished, described, noticed
        self._explained = explained
        self._buffer = b""
        self._held = b""
        self.cancelled = False

    @property
    def empty(self) -> bool:
        """Whether nothing is left of what came before."""
        return not (self._buffer or self._held or self.cancelled)

    def read(self, data: bytes, unit: Unit | None) -> bytes:
        """Take what PostgreSQL said, return what the client is to hear.

        In an implicit transaction the report of a command is held back until its commit cannot fail any more.
        """
        data = self._buffer + data
        parts, kept, end = [], 0, 0
        for kind, at, end in wire.messages(data):
            if kind == _ROW and not self._held and not _touches_rows(unit):
                continue
            shown = self._message(kind, data[at:end], unit)
            if shown is not None:
                parts += [data[kept:at], shown]
                kept = end
        self._buffer = data[end:]
        parts.append(data[kept:end])
        return b"".join(parts)

    def _message(self, kind: int, message: bytes, unit: Unit | None) -> bytes | None:
        """Return what to show in place of a message, None for the message itself."""
        if unit is None:
            return None
        if kind == _NOTICE and self._noticed(wire.fields(message[5:])):
            return b""
        held, self._held = self._held, b""
        if kind == _ERROR:
            return self._error(message, unit)
        if kind == _READY:
            self.cancelled = False
            return held + self._finished(unit, message[5:6])
        if unit.internal:
            return self._internal(kind, message, unit)
        return self._reported(held, self._answer(kind, message, unit), ends=kind in _DONE and unit.implicit)

    def _reported(self, held: bytes, shown: bytes, *, ends: bool) -> bytes:
        """Return what the client hears now; what is not for it leaves what is held back where it is."""
        if not shown:
            self._held = held
            return b""
        if ends:
            self._held = shown
            return held
        return held + shown

    def _answer(self, kind: int, message: bytes, unit: Unit) -> bytes:
        explanation = unit.replies[0].plan.explanation if unit.replies else None
        shown = _transformed(kind, message, unit)
        if explanation and shown:
            return self._in_its_words(kind, shown, explanation, unit)
        return self._described(shown) if kind == _DESCRIPTION and shown[:1] == b"T" else shown

    def _in_its_words(self, kind: int, message: bytes, explanation: Explanation, unit: Unit) -> bytes:
        """Return what the client is to hear of a plan: a description of its column, or its rows."""
        if kind == _DESCRIPTION:
            return wire.with_type(message, explain.column_type(explanation))
        if kind != _ROW:
            return message
        (plan,), run, unit.kept = wire.row(message[5:]), unit.kept, None
        return wire.rows(self._explained(explanation, plan or "", run))

    def _internal(self, kind: int, message: bytes, unit: Unit) -> bytes:
        if kind == _ROW:
            unit.rows.append(wire.row(message[5:]))
        return b""

    def _error(self, message: bytes, unit: Unit) -> bytes:
        verb = unit.replies[0].plan.verb if unit.replies else ""
        unit.replies.clear()
        position = unit.position if unit.starts else None
        shown = errors.shown(wire.fields(message[5:]), position, verb, cancelled=self.cancelled)
        unit.error, unit.conflict = shown["C"], errors.conflict(shown)
        return b"" if unit.internal else wire.error(shown)


def _touches_rows(unit: Unit | None) -> bool:
    if unit is None or not unit.replies:
        return unit is not None and unit.internal is not None
    answer = unit.replies[0]
    plan = answer.plan
    return bool(answer.hidden or plan.hide_rows or plan.hide_columns or plan.explanation)


def _transformed(kind: int, message: bytes, unit: Unit) -> bytes:
    """Apply the plan of the command that this message answers, and note the answer."""
    if not unit.replies:
        return message
    answer = unit.replies[0]
    ends = kind in _DONE or (not unit.simple and chr(kind) in "123nT")
    if ends:
        unit.replies.popleft()
    if answer.hidden:
        if answer.plan.kept and kind == _ROW:
            (unit.kept,) = wire.row(message[5:])
        return b""
    if kind == ord("C"):
        unit.committed |= message[5:-1] == b"COMMIT"
        unit.rolled_back |= message[5:-1] == b"ROLLBACK"
    return _shown(kind, message, answer.plan, described=not unit.simple) if answer.plan.changes_answer else message


def _shown(kind: int, message: bytes, plan: Plan, *, described: bool) -> bytes:
    """Change a message as the plan says; ``described`` where the client asked for the row's description."""
    match chr(kind):
        case "T" | "D" if plan.hide_rows:
            return wire.message(b"n") if kind != _ROW and described else b""
        case "T" | "D" if plan.hide_columns:
            return wire.hide_columns(kind, message[5:], plan.hide_columns)
        case "C" if plan.insert_tag:
            return wire.complete(f"INSERT 0 {message[5:-1].rsplit(b' ', 1)[-1].decode()}")
        case "C" if plan.tag:
            return wire.complete(plan.tag)
    return message
