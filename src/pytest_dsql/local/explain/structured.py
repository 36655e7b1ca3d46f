"""A plan as JSON, YAML or XML, laid out as PostgreSQL lays it out (src/backend/commands/explain.c, version 16)."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from xml.sax.saxutils import escape

from pytest_dsql.local.explain.figures import Node

Writer = Callable[[Node], list[str]]

NAMESPACE: Final = "http://www.postgresql.org/2009/explain"


def as_json(plan: Node) -> list[str]:
    """Return the one row of EXPLAIN (FORMAT JSON)."""
    return [f"[\n  {_json(plan, '  ')}\n]"]


def _json(value: Any, indent: str) -> str:
    inner = indent + "  "
    if isinstance(value, dict):
        members = (f"{inner}{_scalar(key)}: {_json(below, inner)}" for key, below in value.items())
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if isinstance(value, list):
        if value and not isinstance(value[0], dict | list):
            return _scalar(value)
        members = (_json(below, inner) if isinstance(below, dict) else _scalar(below) for below in value)
        return "[\n" + ",\n".join(f"{inner}{member}" for member in members) + f"\n{indent}]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    """Write a text in quotes and a number as PostgreSQL gave it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_yaml(plan: Node) -> list[str]:
    """Return the one row of EXPLAIN (FORMAT YAML)."""
    return ["\n".join(_item(_yaml(plan, "  "), ""))]


def _item(lines: Iterator[str], indent: str) -> Iterator[str]:
    """Put the mark of a list's member in front of the first line of a group."""
    yield f"{indent}- {next(lines).lstrip()}"
    yield from lines


def _yaml(group: Node, indent: str) -> Iterator[str]:
    for key, value in group.items():
        if isinstance(value, dict):
            yield f"{indent}{key}: "
            yield from _yaml(value, indent + "  ")
        elif isinstance(value, list):
            yield f"{indent}{key}: "
            for item in value:
                yield from _member(item, indent + "  ")
        else:
            yield f"{indent}{key}: {_scalar(value)}"


def _member(item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, dict):
        yield from _item(_yaml(item, indent + "  "), indent)
    else:
        yield f"{indent}- {_scalar(item)}"


def as_xml(plan: Node) -> list[str]:
    """Return the one row of EXPLAIN (FORMAT XML)."""
    return ["\n".join([f'<explain xmlns="{NAMESPACE}">', *_element("Query", plan, "  "), "</explain>"])]


def _element(key: str, value: Any, indent: str) -> Iterator[str]:
    name = re.sub(r"[^\w.-]", "-", key)
    if not isinstance(value, dict | list):
        text = value if isinstance(value, str) else _scalar(value)
        yield f"{indent}<{name}>{escape(text, {chr(13): '&#x0d;'})}</{name}>"
        return
    # Groups and lists are called by their kind, texts are items.
    member = key.removesuffix("s") if any(isinstance(item, dict | list) for item in value) else "Item"
    members = value.items() if isinstance(value, dict) else ((member, item) for item in value)
    yield f"{indent}<{name}>"
    for inner, below in members:
        yield from _element(inner, below, indent + "  ")
    yield f"{indent}</{name}>"
