"""Small helpers over the parser's nodes."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from pytest_dsql.local.dialect.parse.parser import ast

# Names in these are not references to relations of the FROM clause.
SKIPPED = frozenset({"lockingClause", "intoClause", "ancestors", "withClause"})


@cache
def child_slots(cls: type[ast.Node]) -> tuple[str, ...]:
    """The attributes of a node class that can hold nodes, but for those that name no relations of FROM."""
    return tuple(name for name in cls.below if name not in SKIPPED)


def children(node: Any) -> Iterator[ast.Node]:
    """The nodes directly under a node, in the parser's order."""
    cls: Any = type(node)
    for name in child_slots(cls):
        value = getattr(node, name)
        if value is not None:
            yield from flatten(value)


def flatten(value: Any) -> Iterator[ast.Node]:
    """The nodes of a node or of nested tuples of nodes."""
    if isinstance(value, tuple):
        for item in value:
            yield from flatten(item)
    elif isinstance(value, ast.Node):
        yield value


def walk(node: Any, *, into_queries: bool = True) -> Iterator[ast.Node]:
    """A node and everything under it; subqueries are left out on demand."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        below = children(node)
        waiting += [item for item in below if into_queries or not isinstance(item, ast.SelectStmt | ast.SubLink)]


def strings(values: Any) -> tuple[str, ...]:
    """The texts of a list of String nodes; other nodes count as empty."""
    return tuple(getattr(value, "sval", "") or "" for value in values or ())


def constant(node: Any) -> str | None:
    """The text of a string or integer constant, casts looked through."""
    while isinstance(node, ast.TypeCast):
        node = node.arg
    value: Any = getattr(node, "val", None) if isinstance(node, ast.A_Const) else node
    if isinstance(value, ast.String):
        return str(value.sval)
    if isinstance(value, ast.Integer):
        return str(value.ival)
    return str(value.fval) if isinstance(value, ast.Float) else None


def option(options: Any, name: str) -> Any:
    """The DefElem of a name in an option list, None without one."""
    return next((item for item in options or () if item.defname == name), None)


def tag(node: Any) -> str:
    """The parse node's name without `Stmt`, the way DSQL names statements."""
    return type(node).__name__.removesuffix("Stmt")
