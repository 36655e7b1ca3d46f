"""PostgreSQL's own parser, libpg_query by postgast: this module and ``tree`` alone know which library that is.

The tree is taken as JSON: as protocol buffers, which postgast reads by itself, it may be but 100 levels deep, and a sum
of 50 terms is deeper than that (postgast 0.2.0, protobuf 7.36).
"""

import ctypes
import json
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from postgast import PgQueryError, pg_query_pb2
from postgast import scan as scanned
from postgast.errors import check_error
from postgast.native import lib

from pytest_dsql.local.dialect.parse import tree as ast
from pytest_dsql.local.dialect.parse.nested import loads

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ParseError", "Token", "ast", "parse_sql", "scan"]

_TOKENS: Final = {value.number: value.name for value in pg_query_pb2.Token.DESCRIPTOR.values}


class ParseError(Exception):
    """PostgreSQL cannot read a text: its message, and the place in the text, from 0, None for its end."""


class Token(NamedTuple):
    """A token: its first and last character, and PostgreSQL's name for what it is."""

    start: int
    end: int
    name: str


def parse_sql(text: str) -> tuple[Any, ...]:
    """Return the statements of a text, each a RawStmt; raise ParseError."""
    result = lib.pg_query_parse(text.encode())
    try:
        with _errors(text):
            check_error(result)
        told = ctypes.string_at(result.parse_tree)
    finally:
        lib.pg_query_free_parse_result(result)
    statements = _read(told).get("stmts", ())
    character = _characters(text)
    return tuple(_statement(statement, character) for statement in statements)


def _statement(values: dict[str, Any], character: Callable[[int], int] | None) -> Any:
    statement: Any = ast.built("RawStmt", values, character)
    if character and statement.stmt_len:
        begun = values.get("stmt_location", 0)
        statement.stmt_len = character(begun + statement.stmt_len) - character(begun)
    return statement


def scan(text: str) -> list[Token]:
    """Return the tokens of a text, comments too; raise ParseError."""
    with _errors(text):
        tokens = scanned(text).tokens
    character = _characters(text) or (lambda place: place)
    return [Token(character(each.start), character(each.end) - 1, _TOKENS[each.token]) for each in tokens]


@contextmanager
def _errors(text: str) -> "Iterator[None]":
    try:
        yield
    except PgQueryError as error:
        place = error.cursorpos - 1
        raise ParseError(error.message, place if 0 <= place < len(text) else None) from None


def _read(told: bytes) -> Any:
    try:
        return json.loads(told)
    except RecursionError:
        return loads(told.decode())


def _characters(text: str) -> Callable[[int], int] | None:
    """Return what turns a place in bytes into one in characters, None where they are the same."""
    if text.isascii():
        return None
    places: list[int] = []
    for place, letter in enumerate(text):
        places += [place] * len(letter.encode())
    places.append(len(text))
    return places.__getitem__
