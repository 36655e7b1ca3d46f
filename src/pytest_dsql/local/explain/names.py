"""Names in the expressions of a plan, as PostgreSQL writes them."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from pytest_dsql.local.dialect.parse.parser import ParseError, parse_sql
from pytest_dsql.local.dialect.parse.text import quote

_TEXT: Final = r"'(?:[^']|'')*'"
NAME: Final = r"(?:\"(?:[^\"]|\"\")+\"|[a-z_][a-z0-9_$]*)"
"""An identifier as PostgreSQL writes it: in quotes where it has to be."""
_REFERENCE: Final = re.compile(rf"{_TEXT}|::{NAME}(?:\.{NAME})?|(?:({NAME})\.)?({NAME}|\*)(?![\w(\"])")
_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_$]*")


def quoted(name: str) -> str:
    """Return an identifier as PostgreSQL writes it, in quotes only where it has to be."""
    return name if _PLAIN.fullmatch(name) and _may_stand_bare(name) else quote(name)


def _may_stand_bare(name: str) -> bool:
    try:
        parse_sql(f"DROP TABLE {name}")
    except ParseError:
        return False
    return True


def unqualified(expression: str, alias: str) -> str:
    """Return an expression without a relation's name in front of its columns."""
    pattern = rf"({_TEXT})|(?<![\w.\"$]){re.escape(quoted(alias))}\.(?=[\w\"*])"
    return re.sub(pattern, lambda found: found[1] or "", expression)


def references(expressions: Collection[str], alias: str, columns: Collection[str]) -> list[str]:
    """Return the columns of a relation that expressions name, in their order; all of them for a whole row."""
    known = {quoted(column): column for column in columns}
    found: dict[str, None] = {}
    for expression in expressions:
        for name in _named(expression, quoted(alias)):
            if name == "*":
                found.update(dict.fromkeys(known))
            elif name in known:
                found[name] = None
    return list(found)


def _named(expression: str, alias: str) -> Iterator[str]:
    for qualifier, name in _REFERENCE.findall(expression):
        if name and (qualifier == alias or (not qualifier and name != "*")):
            yield name
