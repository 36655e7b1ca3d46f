"""Where the clauses of INSERT ... ON CONFLICT stand in the text."""

from dataclasses import dataclass
from typing import Any

from pytest_dsql.local.dialect.parse.text import CLOSE, DOT, OPEN, SEMICOLON, Source

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """Text ranges of an upsert's clauses, and the token range of its source."""

    start: int
    end: int
    source_tokens: Range
    assignments: Range | None
    condition: Range | None
    returning: Range | None


def layout_of(source: Source, node: Any) -> Layout:
    """Find the clauses from the positions the parser gives, by tokens at the statement's own depth."""
    begin = source.index(node.relation.location)
    limit = source.find(begin, len(source.tokens), SEMICOLON)
    while begin < limit and source.name(limit - 1) == "":
        limit -= 1
    at = _end_of_statement(source, begin, limit)
    conflict = source.index(node.onConflictClause.location)
    action = source.find(conflict + 2, at, "DO")
    returning = source.find(action, at, "RETURNING")
    set_at = source.find(action, returning, "SET")
    where = source.find(set_at, returning, "WHERE")
    return Layout(
        start=source.start(_insert_token(source, begin)),
        end=source.end(at - 1),
        source_tokens=(_source_start(source, node, begin), conflict),
        assignments=_text(source, set_at + 1, where) if set_at < returning else None,
        condition=_text(source, where + 1, returning) if where < returning else None,
        returning=_text(source, returning + 1, at) if returning < at else None,
    )


def _end_of_statement(source: Source, at: int, limit: int) -> int:
    while at < limit and source.name(at) not in CLOSE:
        at = source.step(at)
    return at


def _insert_token(source: Source, at: int) -> int:
    while at > 0 and source.name(at) != "INSERT":
        at -= 1
    return at


def _source_start(source: Source, node: Any, at: int) -> int:
    at += 1
    while source.name(at) == DOT:
        at += 2
    if source.name(at) == "AS":
        at += 2
    if node.cols and source.name(at) in OPEN:
        at = source.skip_group(at)
    return at + 3 if source.name(at) == "OVERRIDING" else at


def _text(source: Source, first: int, limit: int) -> Range:
    return source.start(first), source.end(limit - 1)
