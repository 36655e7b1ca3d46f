"""Statements that are no queries but name tables, types or functions: COPY, ANALYZE, and definitions."""

# The text put together here is the user's own statement, for the user's own rights.
# ruff: noqa: S608

from collections.abc import Iterator
from typing import Any

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.catalog import Table
from pytest_dsql.local.dialect.datatypes import is_array, type_name
from pytest_dsql.local.dialect.parse.nodes import flatten
from pytest_dsql.local.dialect.parse.parser import ast
from pytest_dsql.local.dialect.parse.text import DOT, OPEN, Source, quote
from pytest_dsql.local.dialect.refuse.context import RuleContext
from pytest_dsql.local.dialect.refuse.queries import refused_call
from pytest_dsql.local.dialect.rewrite.walk import Rewriter, Scope
from pytest_dsql.local.dialect.statement import RefusedError


def rewrite_copy(rewriter: Rewriter, node: Any, context: RuleContext) -> None:
    """COPY goes to the shadow view; out of it as a query, for a view cannot be copied."""
    scope = Scope(inside=context.inside)
    if node.query is not None:
        rewriter.visit(node.query, scope)
        return
    table = rewriter.table(node.relation, scope)
    if table is None:
        return
    if node.is_from:
        rewriter.relation(node.relation, scope)
        if not node.attlist and any(column.generated for column in table.columns):
            behind = rewriter.source.end(_last_of_name(rewriter.source, node.relation.location))
            rewriter.edits.insert(behind, f" ({_columns(table)})")
    else:
        _copy_query(rewriter, node, table)


def _copy_query(rewriter: Rewriter, node: Any, table: Table) -> None:
    source = rewriter.source
    last = _last_of_name(source, node.relation.location)
    end = source.skip_group(last + 1) if source.name(last + 1) in OPEN else last + 1
    listed = ", ".join(quote(item.sval) for item in node.attlist) if node.attlist else _columns(table)
    query = f"(SELECT {listed} FROM {table.shadow_schema}.{quote(table.name)})"
    rewriter.edits.replace(node.relation.location, source.end(end - 1), query)


def _columns(table: Table) -> str:
    return ", ".join(quote(column.name) for column in table.columns if not column.generated)


def _last_of_name(source: Source, location: int) -> int:
    at = source.index(location)
    while source.name(at + 1) == DOT:
        at += 2
    return at


def rewrite_analyze(rewriter: Rewriter, node: Any, context: RuleContext) -> None:
    """ANALYZE of everything looks at the users' tables; there are others that the session must not hear of."""
    if not node.rels and rewriter.catalog.tables:
        names = ", ".join(f"{quote(schema)}.{quote(name)}" for schema, name in sorted(rewriter.catalog.tables))
        rewriter.edits.insert(context.end, f" {names}")


def rewrite_definition(rewriter: Rewriter, node: Any, context: RuleContext) -> None:
    """A numeric column without precision is numeric(18,6) (docs); no default or condition calls what is refused."""
    refusal = refused_call(node, context.source)
    if refusal:
        raise RefusedError(refusal)
    for kind in _column_types(node):
        plain = type_name(kind)[1] == "numeric" and not kind.typmods and not is_array(kind)
        if plain:
            last = _last_of_name(rewriter.source, kind.location)
            rewriter.edits.insert(rewriter.source.end(last), facts.DEFAULT_NUMERIC)


def _column_types(node: Any) -> Iterator[Any]:
    if isinstance(node, ast.CreateDomainStmt):
        yield node.typeName
    elements = getattr(node, "tableElts", None) or tuple(item.def_ for item in getattr(node, "cmds", None) or ())
    for element in flatten(elements):
        if isinstance(element, ast.ColumnDef) and element.typeName is not None:
            yield element.typeName
