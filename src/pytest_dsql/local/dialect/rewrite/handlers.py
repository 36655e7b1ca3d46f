"""What the walk does at each kind of node."""

from dataclasses import replace
from typing import Any, Final

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.parse.nodes import children, constant, flatten, strings, tag, walk
from pytest_dsql.local.dialect.parse.parser import ast
from pytest_dsql.local.dialect.parse.text import DOT
from pytest_dsql.local.dialect.refuse.queries import function_name
from pytest_dsql.local.dialect.rewrite import catalogs
from pytest_dsql.local.dialect.rewrite.found import NONE, Found
from pytest_dsql.local.dialect.rewrite.group_by import extend_group_by
from pytest_dsql.local.dialect.rewrite.locks import rewrite_locking
from pytest_dsql.local.dialect.rewrite.walk import Handlers, Rewriter, Scope
from pytest_dsql.local.dialect.upsert.statement import rewrite_cte, rewrite_top


def _select(rewriter: Rewriter, node: Any, scope: Scope) -> bool:
    inner = _reading(rewriter, node.fromClause, rewriter.enter_with(node, scope))
    rewriter.visit_children(node, inner)
    if node.groupClause:
        extend_group_by(rewriter, node, inner)
    if node.lockingClause:
        rewriter.note(Found(marks=rewrite_locking(rewriter, node, inner)))
    return False


def _insert(rewriter: Rewriter, node: Any, scope: Scope) -> bool:
    rewriter.note(Found(writes=True))
    if node.onConflictClause is not None:
        rewrite_top(rewriter, node, scope)
    else:
        _modify(rewriter, node, scope)
    return False


def _modify(rewriter: Rewriter, node: Any, scope: Scope) -> bool:
    rewriter.note(Found(writes=True))
    read = (node.relation, getattr(node, "fromClause", None), getattr(node, "usingClause", None))
    inner = _reading(rewriter, read, rewriter.enter_with(node, scope))
    # A CTE is never the target of a change.
    rewriter.relation(node.relation, replace(scope, ctes=frozenset()))
    for child in children(node):
        if child is not node.relation:
            rewriter.visit(child, inner)
    return False


def _reading(rewriter: Rewriter, clause: Any, scope: Scope) -> Scope:
    """The scope within a FROM clause's names; inner ones hide the outer."""
    found: list[tuple[str, str]] = []
    items: Any = (item for node in flatten(clause or ()) for item in walk(node, into_queries=False))
    for item in items:
        if tag(item) == "RangeVar" and not scope.has(item):
            name = item.alias.aliasname if item.alias else item.relname
            table = rewriter.catalog.find(item.schemaname, item.relname, rewriter.search_path)
            if table is not None:
                found.append((name, f"{table.oid}::pg_catalog.oid"))
            elif catalogs.is_shown_in_part(item.schemaname, item.relname):
                catalog = f"{item.schemaname or 'pg_catalog'}.{item.relname}"
                found.append((name, f"'{catalog}'::pg_catalog.regclass::pg_catalog.oid"))
    return replace(scope, sources=(*found, *scope.sources)) if found else scope


def _table_number(rewriter: Rewriter, node: Any, scope: Scope) -> None:
    """`tableoid` of what is read as a view, which has no such column."""
    names = strings(node.fields)
    read = next((read for name, read in scope.sources if len(names) == 1 or name == names[-2]), None)
    if read is not None:
        source = rewriter.source
        last = source.index(node.location) + 2 * (len(names) - 1)
        rewriter.edits.replace(node.location, source.end(last), f"(SELECT {read} AS tableoid)")


def _column(rewriter: Rewriter, node: Any, scope: Scope) -> bool:
    fields = node.fields
    if getattr(fields[-1], "sval", "") == "tableoid":
        _table_number(rewriter, node, scope)
        return False
    # schema.table.column at least
    if len(fields) < 3:
        return False
    qualifiers = [getattr(item, "sval", "") for item in fields[:-1]]
    key = (qualifiers[-2], qualifiers[-1])
    table = rewriter.catalog.tables.get(key)
    if table is not None:
        rewriter.qualify(node.location, len(qualifiers), None if key in scope.bare else table.shadow_schema)
    elif catalogs.is_shown_in_part(*key):
        rewriter.qualify(node.location, len(qualifiers), catalogs.SCHEMA)
    return False


def _function(rewriter: Rewriter, node: Any, _scope: Scope) -> bool:
    called = node.funcname[-1].sval
    routine = rewriter.catalog.routines.get(called)
    rewriter.note(Found(calls=routine is not None, called=frozenset([called]), routines=routine or NONE))
    name = function_name(node)
    shows = name in catalogs.FUNCTIONS
    redirected = shows or (name in facts.REDIRECTED_FUNCTIONS and not node.args)
    if name == "current_setting" and node.args:
        redirected = constant(node.args[0]) in facts.FIXED_SETTINGS
    if redirected:
        qualified = rewriter.source.name(rewriter.source.index(node.location) + 1) == DOT
        rewriter.qualify(node.location, 1 + qualified, catalogs.SCHEMA if shows else "sys")
    return True


HANDLERS: Final = Handlers(
    {
        ast.SelectStmt: _select,
        ast.InsertStmt: _insert,
        ast.UpdateStmt: _modify,
        ast.DeleteStmt: _modify,
        ast.RangeVar: Rewriter.read,
        ast.ColumnRef: _column,
        ast.FuncCall: _function,
    },
    rewrite_cte,
)
