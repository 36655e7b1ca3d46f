"""PostgreSQL's text form of a query tree, in which it keeps the queries of views."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

_TOKEN = re.compile(r"[(){}]|(?:\\.|[^\s(){}\\])+", re.DOTALL)
NODE = "node"
"""The field of a node that has its kind."""


def read(text: str) -> Any:
    """The tree: a node is a dict of its fields, a list a list, all else the text that stands there."""
    tokens = (match[0] for match in _TOKEN.finditer(text))
    return _value(next(tokens), tokens)


def _value(piece: str, tokens: Iterator[str]) -> Any:
    if piece == "{":
        return _node(tokens)
    if piece == "(":
        return [_value(item, tokens) for item in iter(tokens.__next__, ")")]
    return None if piece == "<>" else piece


def _node(tokens: Iterator[str]) -> dict[str, Any]:
    fields = {NODE: next(tokens)}
    for token in iter(tokens.__next__, "}"):
        # What follows a field's first value are the bytes of a constant.
        if token.startswith(":"):
            fields[token[1:]] = _value(next(tokens), tokens)
    return fields


def walk_and(condition: Any) -> Iterator[Any]:
    """The conditions that have to hold, each by itself, for one to hold."""
    if condition is None:
        return iter(())
    if condition[NODE] == "BOOLEXPR" and condition["boolop"] == "and":
        return chain.from_iterable(walk_and(item) for item in condition["args"])
    return iter((condition,))
