"""Which part of a condition storage evaluates itself, and which part the query processor does, behind it.

What is not on record as storage's is the query processor's.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.explain.names import NAME

_CONSTANT: Final = rf"(?:-?\d+(?:\.\d+)?|'(?:[^']|'')*'(?:::(?!{facts.NOT_IN_STORAGE})[a-z ]+(?:\(\d+\))?)?|true|false)"
_SIMPLE: Final = re.compile(
    rf"\((?P<column>{NAME}|\({NAME}\)::text) (?:(?:{'|'.join(facts.STORAGE_OPERATORS)}) {_CONSTANT}|IS (?:NOT )?NULL)\)"
    rf"|(?:\(NOT )?(?P<flag>{NAME})\)?"
)
_TOKEN: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[()]| AND ")


class Split(NamedTuple):
    """A condition in two: what storage evaluates, and what the query processor does; None for nothing."""

    storage: str | None
    processor: str | None


def split(condition: str | None, types: Mapping[str, str]) -> Split:
    """Tell the parts of a condition apart; ``types`` are those of the columns, by their names as they are written."""
    if not condition:
        return Split(None, None)
    parts = conjuncts(condition)
    pushed = [part for part in parts if _is_simple(part, types)]
    return Split(_joined(pushed), _joined([part for part in parts if part not in pushed]))


def _is_simple(part: str, types: Mapping[str, str]) -> bool:
    found = _SIMPLE.fullmatch(part)
    if found is None:
        return False
    column = (found["column"] or found["flag"]).removeprefix("(").removesuffix(")::text")
    return column in types and not types[column].startswith(facts.NOT_IN_STORAGE)


def conjuncts(condition: str) -> list[str]:
    """Return the parts of a condition that AND joins at its top."""
    inner = condition[1:-1] if condition.startswith("((") and condition.endswith(")") else condition
    depth, start, parts = 0, 0, []
    for token in _TOKEN.finditer(inner):
        depth += (token[0] == "(") - (token[0] == ")")
        if depth < 0:  # the outer brackets were no pair
            return [condition]
        if token[0] == " AND " and depth == 0:
            parts.append(inner[start : token.start()])
            start = token.end()
    return [*parts, inner[start:]] if parts else [condition]


def _joined(parts: Collection[str]) -> str | None:
    """Join parts as PostgreSQL writes it."""
    if not parts:
        return None
    text = " AND ".join(parts)
    return f"({text})" if len(parts) > 1 else text
