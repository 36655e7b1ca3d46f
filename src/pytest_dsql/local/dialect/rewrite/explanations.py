"""EXPLAIN: PostgreSQL plans the statement as the client wrote it, on tables that hold what is committed alone.

What it shows is asked for as JSON, with all names in it, and is put into Aurora DSQL's words behind it. A statement
that ANALYZE runs and that has effects runs as any other does, by the engine, and its plan is made besides.
"""

from dataclasses import replace
from typing import Any, Final

from pytest_dsql.local.dialect.parse.nodes import constant
from pytest_dsql.local.dialect.parse.text import OPEN, Edits, Source
from pytest_dsql.local.dialect.refuse.context import RuleContext
from pytest_dsql.local.dialect.statement import Explanation, Statement

_WORDS: Final = frozenset({"ANALYZE", "ANALYSE", "VERBOSE"})
_OFF: Final = frozenset({"off", "false", "0"})
_LOCKED: Final = frozenset({"UPDATE", "KEY", "NO", "SHARE"})
# The last of two options counts, so these come behind the client's own. Buffers, settings and WAL are PostgreSQL's.
_ASKED: Final = ("VERBOSE", "FORMAT JSON", "BUFFERS OFF", "SETTINGS OFF", "WAL OFF")
_PLACES: Final = frozenset({"ctid", "cmax", "cmin", "xmax", "xmin"})
_NOT_RUN: Final = ("ANALYZE OFF", "TIMING OFF")


def flag(options: Any, name: str) -> bool:
    """Whether an option of EXPLAIN is on."""
    value = _value(options, name, "off")
    return value.lower() not in _OFF


def _value(options: Any, name: str, default: str) -> str:
    item = next((item for item in reversed(options or ()) if item.defname == name), None)
    if item is None:
        return default
    return "on" if item.arg is None else constant(item.arg) or "on"


def explained(statement: Statement, edits: Edits, node: Any, context: RuleContext) -> Statement:
    """What becomes of EXPLAIN; ``edits`` make its statement one that the engine runs.

    In a routine's body nobody is there to put the answer into other words.
    """
    source, analyze = context.source, flag(node.options, "analyze")
    behind, options = _head(source, node, context.start)
    # Others follow, which a comment at the end would hide.
    end = source.end(source.index(context.end) - 1)
    query = source.text[behind:end]
    shown = edits.render(behind, end) if _names_a_place(source, behind, end) else query
    effects = statement.writes or statement.calls or _locks(source, behind, end)
    executed = None
    if context.inside:
        sql = edits.render(context.start, context.end) if analyze and effects else statement.original
        return replace(statement, sql=sql)
    if analyze and effects:
        executed = f"EXPLAIN ({_listed(options, *_ASKED)}) {edits.render(behind, end)}"
    head = f"EXPLAIN ({_listed(options, *_ASKED, *(_NOT_RUN if executed else ()))}) "
    return replace(
        statement,
        sql=head + shown,
        shifts=((0, behind - context.start, len(head)),),
        details=Explanation(
            query=query,
            layout=_value(node.options, "format", "text").lower(),
            verbose=flag(node.options, "verbose"),
            analyze=analyze,
            executed=executed,
        ),
    )


def _listed(*options: str) -> str:
    return ", ".join(option for option in options if option)


def _head(source: Source, node: Any, start: int) -> tuple[int, str]:
    """Where the statement begins behind EXPLAIN, and the options in front of it as the client wrote them."""
    first = at = source.index(start) + 1
    if node.options and source.name(at) in OPEN:
        at = source.skip_group(at)
        return source.start(at), source.text[source.end(first) : source.start(at - 1)]
    while source.raw(at).upper() in _WORDS:
        at += 1
    return source.start(at), ", ".join(source.raw(each) for each in range(first, at))


def _names_a_place(source: Source, start: int, end: int) -> bool:
    """Whether a column may be meant that PostgreSQL's tables have and the service's do not, nor the engine's views."""
    return any(source.raw(at).lower() in _PLACES for at in range(source.index(start), source.index(end)))


def _locks(source: Source, start: int, end: int) -> bool:
    first, last = source.index(start), source.index(end)
    return any(source.name(at) == "FOR" and source.name(at + 1) in _LOCKED for at in range(first, last))
