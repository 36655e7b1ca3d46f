"""Statements with text of their own inside: COPY, SQL functions, and column types with a default precision."""

# The text put together here is the user's own statement, for the user's own rights.
# ruff: noqa: S608

from collections.abc import Iterator
from typing import Any

from pglast import ast
from pglast.parser import ParseError, parse_sql

from . import facts
from .catalog import Table
from .datatypes import is_array, type_name
from .nodes import flatten, option
from .refuse import refuse_statement
from .refuse_context import Context
from .refuse_query import refused_call
from .rewrite import Rewriter, Scope, visit_all
from .source import DOT, OPEN, Edits, Source, quote
from .statement import RefusedError


def rewrite_copy(rewriter: Rewriter, node: Any, _context: Context) -> None:
    """COPY goes to the shadow view; out of it as a query, for a view cannot be copied."""
    if node.query is not None:
        rewriter.visit(node.query, Scope())
        return
    table = rewriter.table(node.relation, Scope())
    if table is None:
        return
    if node.is_from:
        rewriter.relation(node.relation, Scope())
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


def rewrite_analyze(rewriter: Rewriter, node: Any, context: Context) -> None:
    """ANALYZE of everything looks at the users' tables; there are others that the session must not hear of."""
    if not node.rels and rewriter.catalog.tables:
        names = ", ".join(f"{quote(schema)}.{quote(name)}" for schema, name in sorted(rewriter.catalog.tables))
        rewriter.edits.insert(context.end, f" {names}")


def rewrite_function(rewriter: Rewriter, node: Any, context: Context) -> None:
    """The body of a LANGUAGE sql function, written as SQL or as a string."""
    visit_all(rewriter, node.sql_body, Scope())
    # Creating a function changes no rows, whatever its body does.
    rewriter.writes = False
    item = option(node.options, "as")
    if item is None or len(item.arg) != 1:
        return
    body = rewrite_body(item.arg[0].sval, context)
    if body is not None:
        source = context.source
        at = source.index(item.location)
        while source.name(at) not in ("SCONST", "USCONST"):
            at += 1
        rewriter.edits.replace(source.start(at), source.end(at), _dollar_quoted(body))


def rewrite_body(text: str, context: Context) -> str | None:
    """A function's text with its statements rewritten, None where nothing changes or it does not parse."""
    try:
        trees = parse_sql(text)
    except ParseError:
        return None
    source, edits = Source(text), Edits(text)
    rewriter = Rewriter(source, edits, context.catalog, context.search_path)
    inner = Context(source, context.catalog, context.search_path, 0, len(text))
    for tree in trees:
        refusal = refuse_statement(tree.stmt, inner)
        if refusal:
            raise RefusedError(refusal)
        rewriter.visit(tree.stmt, Scope())
    return edits.render(0, len(text)) if edits.edits else None


def _dollar_quoted(text: str) -> str:
    tag = "$pg_occ$"
    while tag in text:
        tag = tag[:-1] + "_$"
    return f"{tag}{text}{tag}"


def rewrite_definition(rewriter: Rewriter, node: Any, context: Context) -> None:
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
