"""Point a query at the shadow views: one walk over the tree that refuses, and splices where it must.

A reference keeps its own spelling and gets the shadow's schema in front (`t` -> `pg_occ_1.t`), which leaves its
name in the query what it was; so no alias is added, and `public.t.col` becomes `pg_occ_1.t.col`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pglast import ast

from . import facts, shown
from .catalog import Catalog, Routine, Table, View, relation_name
from .nodes import children, constant, flatten, strings, tag, walk
from .refuse_query import RULES, function_name
from .source import DOT, Edits, Source
from .statement import RefusedError, RelationName

LEAVES = frozenset({ast.A_Const, ast.ParamRef, ast.String, ast.Integer, ast.Alias, ast.SetToDefault})


@dataclass(frozen=True, slots=True)
class Scope:
    """CTE names in force, tables whose qualified column references lose their schema, and what FROM names.

    `sources` are the names in FROM of relations that are read as views, with what to read for their `tableoid`.
    """

    ctes: frozenset[str] = frozenset()
    bare: frozenset[tuple[str, str]] = frozenset()
    sources: tuple[tuple[str, str], ...] = ()

    def has(self, relation: Any) -> bool:
        """Whether a RangeVar means a CTE."""
        return not relation.schemaname and relation.relname in self.ctes


class Rewriter:
    """The walk over one message's text; `top` is the query whose last columns may carry lock marks.

    `inside` says that the text is part of a routine's body, `routines` what those do that it calls.
    """

    def __init__(self, source: Source, edits: Edits, catalog: Catalog, search_path: tuple[str, ...]) -> None:
        self.source, self.edits, self.catalog, self.search_path = source, edits, catalog, search_path
        self.top: Any = None
        self.writes = self.calls = self.inside = False
        self.routines = Routine()
        self.called: set[str] = set()
        self.tables: set[str] = set()
        self.names: set[RelationName] = set()
        self.qualified: set[int] = set()
        self.marks = 0
        self.upserts = 0
        self.top_upsert: Any = None

    def visit(self, node: Any, scope: Scope) -> None:
        """Refuse or rewrite a node and what is under it; a stack, for expressions may be deep."""
        waiting = [node]
        while waiting:
            node = waiting.pop()
            cls: Any = type(node)
            if cls in LEAVES:
                continue
            rule, handler = RULES.get(cls), HANDLERS.get(cls)
            refusal = rule(node, self.source) if rule else None
            if refusal:
                raise RefusedError(refusal)
            if handler is None or handler(self, node, scope):
                waiting += reversed(list(children(node)))

    def visit_children(self, node: Any, scope: Scope) -> None:
        """Go down in the same scope."""
        for child in children(node):
            self.visit(child, scope)

    def enter_with(self, node: Any, scope: Scope) -> Scope:
        """Visit a statement's CTEs, each with the names it can see, and return the statement's scope."""
        clause = node.withClause
        if clause is None:
            return scope
        names = frozenset(cte.ctename for cte in clause.ctes)
        inner = replace(scope, ctes=scope.ctes | names) if clause.recursive else scope
        for cte in clause.ctes:
            self._visit_cte(cte, inner)
            inner = replace(inner, ctes=inner.ctes | {cte.ctename})
        return inner

    def _visit_cte(self, cte: Any, scope: Scope) -> None:
        if is_upsert(cte.ctequery):
            from .upsert import rewrite_cte

            rewrite_cte(self, cte, scope)
        else:
            self.visit(cte.ctequery, scope)

    def table(self, relation: Any, scope: Scope) -> Table | None:
        """The user table a RangeVar means."""
        if scope.has(relation):
            return None
        table = self.catalog.find(*self._noted(relation), self.search_path)
        if table is not None:
            self.tables.add(table.name)
        return table

    def view(self, relation: Any, scope: Scope) -> View | None:
        """The user's view that a RangeVar means."""
        if scope.has(relation):
            return None
        found = self.catalog.relation(relation.schemaname, relation.relname, self.search_path)
        return found if isinstance(found, View) else None

    def _noted(self, relation: Any) -> tuple[str | None, str]:
        """Note the name of a relation that is no CTE."""
        self.names.add(relation_name(relation.schemaname, relation.relname, self.search_path))
        return relation.schemaname, relation.relname

    def relation(self, node: Any, scope: Scope) -> bool:
        """Splice a reference to a user table."""
        table = self.table(node, scope)
        shadow = table.shadow_schema if table else self._awaited(node, scope)
        if shadow is not None:
            self.qualify(node.location, 1 + bool(node.schemaname) + bool(node.catalogname), shadow)
        return False

    def _awaited(self, node: Any, scope: Scope) -> str | None:
        """Where a name in a body will lead that means nothing yet: PostgreSQL, too, looks it up when it runs."""
        if not self.inside or scope.has(node) or self.view(node, scope):
            return None
        return self.catalog.awaited(relation_name(node.schemaname, node.relname, self.search_path))

    def read(self, node: Any, scope: Scope) -> bool:
        """Splice a reference to what is only read: a user table, or a catalog that would show the stand-in's own."""
        if not scope.has(node) and shown.is_shown_in_part(*self._noted(node)):
            self.qualify(node.location, 1 + bool(node.schemaname) + bool(node.catalogname), shown.SCHEMA)
            return False
        return self.relation(node, scope)

    def qualify(self, location: int, parts: int, schema: str | None) -> None:
        """Give a name of so many dotted parts another schema, or none.

        Once, however often the walk comes by: the columns of `(a, b) = (SELECT …)` share one tree.
        """
        if location in self.qualified:
            return
        self.qualified.add(location)
        at = self.source.index(location)
        last = self.source.start(at + 2 * (parts - 1))
        self.edits.replace(location, last, f"{schema}." if schema else "")


def is_upsert(node: Any) -> bool:
    """True for INSERT ... ON CONFLICT."""
    return isinstance(node, ast.InsertStmt) and node.onConflictClause is not None


def _select(rewriter: Rewriter, node: Any, scope: Scope) -> bool:
    inner = _reading(rewriter, node.fromClause, rewriter.enter_with(node, scope))
    rewriter.visit_children(node, inner)
    if node.groupClause:
        from .group_by import extend_group_by

        extend_group_by(rewriter, node, inner)
    if node.lockingClause:
        from .locking import rewrite_locking

        rewriter.marks += rewrite_locking(rewriter, node, inner)
    return False


def _insert(rewriter: Rewriter, node: Any, scope: Scope) -> bool:
    rewriter.writes = True
    if node.onConflictClause is not None:
        from .upsert import rewrite_top

        rewrite_top(rewriter, node, scope)
    else:
        _modify(rewriter, node, scope)
    return False


def _modify(rewriter: Rewriter, node: Any, scope: Scope) -> bool:
    rewriter.writes = True
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
    items: Iterator[Any] = (item for node in flatten(clause or ()) for item in walk(node, into_queries=False))
    for item in items:
        if tag(item) == "RangeVar" and not scope.has(item):
            name = item.alias.aliasname if item.alias else item.relname
            table = rewriter.catalog.find(item.schemaname, item.relname, rewriter.search_path)
            if table is not None:
                found.append((name, f"{table.oid}::pg_catalog.oid"))
            elif shown.is_shown_in_part(item.schemaname, item.relname):
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
    elif shown.is_shown_in_part(*key):
        rewriter.qualify(node.location, len(qualifiers), shown.SCHEMA)
    return False


def _function(rewriter: Rewriter, node: Any, _scope: Scope) -> bool:
    rewriter.called.add(node.funcname[-1].sval)
    routine = rewriter.catalog.routines.get(node.funcname[-1].sval)
    if routine is not None:
        rewriter.calls = True
        rewriter.routines = rewriter.routines.and_(routine)
    name = function_name(node)
    shows = name in shown.FUNCTIONS
    redirected = shows or (name in facts.REDIRECTED_FUNCTIONS and not node.args)
    if name == "current_setting" and node.args:
        redirected = constant(node.args[0]) in facts.FIXED_SETTINGS
    if redirected:
        qualified = rewriter.source.name(rewriter.source.index(node.location) + 1) == DOT
        rewriter.qualify(node.location, 1 + qualified, shown.SCHEMA if shows else "sys")
    return True


# Each says whether the walk goes on below its node; most do that themselves, in a scope of their own.
HANDLERS: dict[type[Any], Callable[[Rewriter, Any, Scope], bool]] = {
    ast.SelectStmt: _select,
    ast.InsertStmt: _insert,
    ast.UpdateStmt: _modify,
    ast.DeleteStmt: _modify,
    ast.RangeVar: Rewriter.read,
    ast.ColumnRef: _column,
    ast.FuncCall: _function,
}


def visit_all(rewriter: Rewriter, value: Any, scope: Scope) -> None:
    """Visit the nodes of a (nested) list."""
    for node in flatten(value or ()):
        rewriter.visit(node, scope)
