"""Where a session's statements stop while the cluster holds them, what they say, and what they are answered."""

from collections.abc import Callable
from itertools import zip_longest
from typing import Final

from pytest_dsql.local.cluster.hold import Held, Hold
from pytest_dsql.local.proxy import wire
from pytest_dsql.local.proxy.units import Unit

_QUERY: Final = ord("Q")
_EXECUTE: Final = ord("E")
_SYNC: Final = ord("S")
_FLUSH: Final = ord("H")
_PARSE: Final = ord("P")
_BIND: Final = ord("B")
_RUN: Final = frozenset(b"QPBDEC")
"""A Query, and what may lead to an Execute; anything else is not held."""
_SHOWN_ROWS: Final = 5
_INTEGERS: Final = frozenset({20, 21, 23})
"""The numbers of bigint, smallint and integer in pg_type."""

Named = Callable[[bytes], tuple[str, bytes]]


class Stop:
    """The stop of one session: before a Query, and before what leads to an Execute.

    So a statement is one Query, or one Execute; preparing alone is none. ``named`` returns text and parameters'
    types of a prepared statement by its name, ``advance`` has the session look again at what the client has sent.
    """

    def __init__(self, hold: Hold, named: Named, advance: Callable[[], None]) -> None:
        self._hold, self._named, self._advance = hold, named, advance
        self._held: Held | None = None
        self._number: int | None = None
        self._passing: int | None = None
        self._types: list[int] = []
        self.waits = False

    def passes(self, kind: int, pending: bytes, at: int, unit: Unit | None, session: int) -> bool:
        """Say whether the client's message at ``at`` may be taken now; where it may not, hold it or wait for more.

        Of a pipeline that has failed PostgreSQL runs nothing up to its Sync: that is not held.
        """
        self.waits = False
        passing = self._passing == self._hold.turns
        if kind not in _RUN or passing or (unit is not None and unit.failed):
            self._passing = None if kind in {_QUERY, _EXECUTE, _SYNC} else self._passing
            return True
        begins = _begins_run(pending, at)
        if begins and unit is not None and unit.replies:
            self.waits = True  # for the answers to the pipeline's statement before
        elif begins and self._number is None:
            text, parameters = _statement(pending, at, self._named)
            self._held = Held(session, text, parameters, self._pass_on)
            self._number = self._hold.arrive(self._held)
        return begins is False

    def _pass_on(self) -> None:
        self._number, self._passing = None, self._hold.turns
        self._advance()

    def hear(self, data: bytes) -> None:
        """Note what the client is told, in whole messages."""
        held = self._held
        if held is None:
            return
        for kind, at, end in wire.messages(data):
            match chr(kind):
                case "T":
                    self._types = wire.column_types(data[at:end])
                case "D":
                    self._row(held, data[at + 5 : end])
                case "C":
                    held.tag = data[at + 5 : end - 1].decode()
                case "E":
                    fields = wire.fields(data[at + 5 : end])
                    held.error = {"code": fields.get("C", ""), "message": fields.get("M", "")}

    def _row(self, held: Held, body: bytes) -> None:
        held.more = len(held.rows) == _SHOWN_ROWS
        if not held.more:
            held.rows.append(_shown(wire.values(body), self._types))

    def ended(self) -> None:
        """Learn that the connection has ended."""
        if self._number is not None:
            self._hold.leave(self._number)
        if self._held is not None:
            self._held.gone = not (self._held.tag or self._held.error)


def _begins_run(pending: bytes, at: int) -> bool | None:
    """Say whether a statement's run begins at ``at``; None where too little has come to tell.

    Who asks for a flush waits for what the run's preparation is answered; a Sync without an Execute runs nothing.
    """
    for kind, _, _ in wire.messages(pending, at):
        if kind in {_QUERY, _EXECUTE, _FLUSH}:
            return True
        if kind == _SYNC:
            return False
    return None


def _statement(pending: bytes, at: int, named: Named) -> tuple[str, list[str | None]]:
    """Return the text of the statement whose run begins at ``at``, and its parameters as far as they are there."""
    text, types, parameters = "", b"", list[str | None]()
    for kind, start, end in wire.messages(pending, at):
        if kind == _QUERY:
            return pending[start + 5 : end - 1].decode(errors="replace"), []
        if kind == _PARSE:
            (_, parsed), tail = wire.strings(pending, 2, start + 5)
            text, types = parsed.decode(errors="replace"), pending[tail:end]
        elif kind == _BIND:
            name, values = wire.bound(pending[start + 5 : end])
            text, types = (text, types) if types else named(name)
            parameters = _shown(values, wire.parameter_types(types))
        elif kind in {_EXECUTE, _FLUSH}:
            break
    return text, parameters


def _shown(values: list[bytes | None], types: list[int]) -> list[str | None]:
    """Return values as people read them, in whichever of the two formats they came; not all types may be known."""
    return [_value(value, type_ or 0) for value, type_ in zip_longest(values, types[: len(values)])]


def _value(value: bytes | None, type_: int) -> str | None:
    if value is None:
        return None
    text = value.decode(errors="replace")
    if text.isprintable():
        return text
    if type_ in _INTEGERS and len(value) in {2, 4, 8}:
        return str(int.from_bytes(value, "big", signed=True))
    return f"\\x{value.hex()}"
