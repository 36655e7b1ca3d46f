"""Where SQL stands in a PL/pgSQL body, found as PL/pgSQL itself finds it: up to the next keyword at the same depth."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar, Final

from pytest_dsql.local.dialect.parse.text import COMMA, Source

QUERIES: Final = frozenset({"select", "with", "values", "table", "insert", "update", "delete", "explain", "show", "("})
"""What a query begins with; a loop may be over a cursor, too."""


ASSIGNS: Final = frozenset({":=", "="})


class FragmentKind(Enum):
    """What a fragment is to PL/pgSQL."""

    EXPRESSION = auto()
    QUERY = auto()
    PERFORM = auto()
    STATEMENT = auto()
    DYNAMIC = auto()


@dataclass(frozen=True, slots=True)
class Fragment:
    """SQL in a body, from ``start`` to ``end``.

    ``statement`` is where the PL/pgSQL statement begins that holds it, None in a declaration. ``into`` is the clause of
    a statement that is PL/pgSQL's own.
    """

    part: FragmentKind
    start: int
    end: int
    statement: int | None = None
    into: tuple[int, int] | None = None


def fragments(body: str) -> list[Fragment]:
    """Find the SQL of a body. Raises ParseError where it has no tokens."""
    return _Reader(Source(body)).read()


class _Reader:
    """One pass over the tokens; ``_open`` holds what is to be closed by END, for WHEN means two things."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._count = len(source.tokens)
        self._at = 0
        self._statement: int | None = None
        self._open: list[str] = []
        self._found: list[Fragment] = []

    def read(self) -> list[Fragment]:
        while self._word(self._at) == "#":
            self._at += 3
        while self._at < self._count:
            self._statement = self._source.start(self._at)
            while self._word(self._at) == "<<":
                self._at += 3
            assigns = self._word(self._behind_name(self._at)) in ASSIGNS
            handler = None if assigns else self._HANDLERS.get(self._word(self._at))
            if handler:
                handler(self)
            else:
                self._plain()
        return self._found

    # Tokens

    def _word(self, at: int) -> str:
        return self._source.raw(at).lower()

    def _find(self, at: int, *words: str) -> int:
        """The first of these words, or the end of the statement, from a token on at the same depth."""
        while at < self._count and self._word(at) not in (*words, ";"):
            at = self._source.step(at)
        return min(at, self._count)

    def _add(self, part: FragmentKind, start: int, end: int, into: tuple[int, int] | None = None) -> None:
        if start < end:
            places = self._source.start(start), self._source.end(end - 1)
            self._found.append(Fragment(part, *places, self._statement, into))

    def _expression(self, start: int, end: int) -> None:
        self._add(FragmentKind.EXPRESSION, start, end)

    def _expressions(self, start: int, end: int) -> None:
        for part in self._source.split(start, end):
            self._expression(*part)

    # Statements

    def _opens(self) -> None:
        self._open.append(self._word(self._at))
        self._at += 1

    def _passes(self) -> None:
        self._at += 1

    def _skips(self) -> None:
        self._at = self._find(self._at) + 1

    def _ends(self) -> None:
        if self._open:
            self._open.pop()
        self._skips()

    def _declares(self) -> None:
        self._statement = None
        self._at += 1
        while self._at < self._count and self._word(self._at) != "begin":
            end, cursor = self._find(self._at), self._find(self._at + 1, "cursor")
            if cursor < end:
                self._add(FragmentKind.QUERY, self._find(cursor, "for", "is") + 1, end)
            else:
                self._expression(self._find(self._at + 1, "default", ":=", "=") + 1, end)
            self._at = end + 1

    def _if(self) -> None:
        if self._word(self._at) == "if":
            self._open.append("if")
        then = self._find(self._at + 1, "then")
        self._expression(self._at + 1, then)
        self._at = then + 1

    def _case(self) -> None:
        self._open.append("case")
        when = self._find(self._at + 1, "when")
        self._expression(self._at + 1, when)
        self._at = when

    def _when(self) -> None:
        then = self._find(self._at + 1, "then")
        if self._open[-1:] == ["case"]:
            self._expression(self._at + 1, then)
        self._at = then + 1

    def _while(self) -> None:
        self._loops(self._at + 1)

    def _foreach(self) -> None:
        self._loops(self._find(self._at, "array") + 1)

    def _loops(self, start: int) -> None:
        loop = self._find(start, "loop")
        self._expression(start, loop)
        self._open.append("loop")
        self._at = loop + 1

    def _for(self) -> None:
        start = self._find(self._at, "in") + 1
        loop, dots = self._find(start, "loop"), self._find(start, "..", "loop")
        if self._word(start) == "execute":
            self._dynamic(start + 1, loop)
        elif dots < loop:
            by = self._find(dots + 1, "by", "loop")
            self._expression(start + (self._word(start) == "reverse"), dots)
            self._expression(dots + 1, by)
            self._expression(by + 1, loop)
        elif self._word(start) in QUERIES:
            self._add(FragmentKind.QUERY, start, loop)
        self._open.append("loop")
        self._at = loop + 1

    def _exits(self) -> None:
        end = self._find(self._at)
        self._expression(self._find(self._at, "when") + 1, end)
        self._at = end + 1

    def _returns(self) -> None:
        start, end = self._at + 1, self._find(self._at)
        kind = self._word(start) if start + 1 < end else ""
        if kind == "query" and self._word(start + 1) == "execute":
            self._dynamic(start + 2, end)
        elif kind == "query":
            self._add(FragmentKind.QUERY, start + 1, end)
        else:
            self._expression(start + (kind == "next"), end)
        self._at = end + 1

    def _raises(self) -> None:
        end = self._find(self._at)
        using = self._find(self._at, "using")
        for start, behind in self._source.split(self._at + 1, using)[1:]:
            self._expression(start, behind)
        for start, behind in self._source.split(using + 1, end) if using < end else []:
            self._expression(start + 2, behind)
        self._at = end + 1

    def _asserts(self) -> None:
        end = self._find(self._at)
        self._expressions(self._at + 1, end)
        self._at = end + 1

    def _executes(self) -> None:
        end = self._find(self._at)
        self._dynamic(self._at + 1, end)
        self._at = end + 1

    def _dynamic(self, start: int, end: int) -> None:
        """EXECUTE: its text, and then INTO a target or USING values, in any order."""
        clause = min(self._find(start, "into", "using"), end)
        self._add(FragmentKind.DYNAMIC, start, clause)
        while clause < end:
            following = min(self._find(clause + 1, "into", "using"), end)
            if self._word(clause) == "using":
                self._expressions(clause + 1, following)
            clause = following

    def _opens_cursor(self) -> None:
        end, query = self._find(self._at), self._find(self._at, "for") + 1
        if self._word(query) == "execute":
            self._dynamic(query + 1, end)
        else:
            self._add(FragmentKind.QUERY, query, end)
        self._at = end + 1

    def _performs(self) -> None:
        end = self._find(self._at)
        self._add(FragmentKind.PERFORM, self._at, end)
        self._at = end + 1

    def _plain(self) -> None:
        end, behind = self._find(self._at), self._behind_name(self._at)
        if self._word(behind) in ASSIGNS:
            self._expression(behind + 1, end)
        else:
            self._add(FragmentKind.STATEMENT, self._at, end, self._into(end))
        self._at = end + 1

    def _behind_name(self, at: int) -> int:
        """The token behind a variable, its fields and subscripts included."""
        at += 1
        while self._word(at) in (".", "["):
            at = at + 2 if self._word(at) == "." else self._source.skip_group(at)
        return at

    def _into(self, end: int) -> tuple[int, int] | None:
        """INTO and its target; that of INSERT is SQL's own."""
        for at in range(self._at + 1, end):
            if self._word(at) == "into" and self._word(at - 1) not in ("insert", "merge"):
                behind = self._behind_name(at + 1 + (self._word(at + 1) == "strict"))
                while self._source.name(behind) == COMMA:
                    behind = self._behind_name(behind + 1)
                return self._source.start(at), self._source.end(behind - 1)
        return None

    _HANDLERS: ClassVar[dict[str, Callable[["_Reader"], None]]] = {
        "": _passes,
        ";": _passes,
        "begin": _opens,
        "loop": _opens,
        "else": _passes,
        "exception": _passes,
        "end": _ends,
        "declare": _declares,
        "if": _if,
        "elsif": _if,
        "elseif": _if,
        "case": _case,
        "when": _when,
        "while": _while,
        "for": _for,
        "foreach": _foreach,
        "exit": _exits,
        "continue": _exits,
        "return": _returns,
        "raise": _raises,
        "assert": _asserts,
        "execute": _executes,
        "open": _opens_cursor,
        "perform": _performs,
        "fetch": _skips,
        "move": _skips,
        "close": _skips,
        "get": _skips,
        "null": _skips,
        "commit": _skips,
        "rollback": _skips,
    }
