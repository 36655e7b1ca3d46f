"""The walk over a query's tree that refuses, and points it at the shadow views: it splices where it must.

A reference keeps its own spelling and gets the shadow's schema in front (`t` -> `pg_occ_1.t`), which leaves its
name in the query what it was; so no alias is added, and `public.t.col` becomes `pg_occ_1.t.col`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from pytest_dsql.local.dialect.catalog import Catalog, Table, View, relation_name
from pytest_dsql.local.dialect.parse.nodes import children, flatten
from pytest_dsql.local.dialect.parse.parser import ast
from pytest_dsql.local.dialect.parse.text import Edits, Source
from pytest_dsql.local.dialect.refuse.queries import RULES
from pytest_dsql.local.dialect.rewrite import catalogs
from pytest_dsql.local.dialect.rewrite.found import Found, together
from pytest_dsql.local.dialect.statement import RefusedError, Statement

LEAVES = frozenset({ast.A_Const, ast.ParamRef, ast.String, ast.Integer, ast.Alias, ast.SetToDefault})


@dataclass(frozen=True, slots=True)
class Scope:
    """CTE names in force, tables whose qualified column references lose their schema, and what FROM names.

    `sources` are the names in FROM of relations that are read as views, with what to read for their `tableoid`.
    `top` is the query whose last columns may carry lock marks, `inside` says that the text is part of a routine's body.
    """

    ctes: frozenset[str] = frozenset()
    bare: frozenset[tuple[str, str]] = frozenset()
    sources: tuple[tuple[str, str], ...] = ()
    top: Any = None
    inside: bool = False

    def has(self, relation: Any) -> bool:
        """Whether a RangeVar means a CTE."""
        return not relation.schemaname and relation.relname in self.ctes


Analyse = Callable[[str, Catalog, tuple[str, ...]], list[Statement]]
Handler = Callable[["Rewriter", Any, Scope], bool]


@dataclass(frozen=True, slots=True)
class Handlers:
    """What is done at a node, by its type, and at an upsert in a CTE.

    A handler says whether the walk goes on below its node; most do that themselves, in a scope of their own.
    """

    by_node: Mapping[type[Any], Handler]
    upsert: Callable[["Rewriter", Any, Scope], None]


class Rewriter:
    """The walk over one message's text; `found` only grows, so no order decides, and a refusal leaves what it has."""

    def __init__(
        self, source: Source, catalog: Catalog, search_path: tuple[str, ...], handlers: "Handlers", analyse: Analyse
    ) -> None:
        """``analyse`` judges the SQL in a routine's body, with which the walk begins anew."""
        self.source, self.edits, self.catalog, self.search_path = source, Edits(source.text), catalog, search_path
        self.handlers, self.analyse = handlers, analyse
        self.upserts = count(1)
        self._found: list[Found] = []
        self._qualified: set[int] = set()

    def note(self, found: Found) -> None:
        """Add to what is found."""
        self._found.append(found)

    @property
    def found(self) -> Found:
        """All that is found so far."""
        return together(self._found)

    @contextmanager
    def apart(self, counted: Callable[[Found], Found]) -> Iterator["Rewriter"]:
        """A walk of its own over a part of the text; ``counted`` says what counts of its findings.

        Where the part is refused, all of them count.
        """
        part = Rewriter(self.source, self.catalog, self.search_path, self.handlers, self.analyse)
        part.edits = self.edits
        try:
            yield part
        except (RefusedError, RecursionError):
            self.note(part.found)
            raise
        self.note(counted(part.found))

    def visit(self, node: Any, scope: Scope) -> None:
        """Refuse or rewrite a node and what is under it; a stack, for expressions may be deep."""
        waiting = [node]
        while waiting:
            node = waiting.pop()
            cls: Any = type(node)
            if cls in LEAVES:
                continue
            rule, handler = RULES.get(cls), self.handlers.by_node.get(cls)
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
            self.handlers.upsert(self, cte, scope)
        else:
            self.visit(cte.ctequery, scope)

    def table(self, relation: Any, scope: Scope) -> Table | None:
        """The user table a RangeVar means."""
        if scope.has(relation):
            return None
        table = self.catalog.find(*self._noted(relation), self.search_path)
        if table is not None:
            self.note(Found(tables=frozenset([table.name])))
        return table

    def view(self, relation: Any, scope: Scope) -> View | None:
        """The user's view that a RangeVar means."""
        if scope.has(relation):
            return None
        found = self.catalog.relation(relation.schemaname, relation.relname, self.search_path)
        return found if isinstance(found, View) else None

    def _noted(self, relation: Any) -> tuple[str | None, str]:
        """Note the name of a relation that is no CTE."""
        name = relation_name(relation.schemaname, relation.relname, self.search_path)
        self.note(Found(names=frozenset([name])))
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
        if not scope.inside or scope.has(node) or self.view(node, scope):
            return None
        return self.catalog.awaited(relation_name(node.schemaname, node.relname, self.search_path))

    def read(self, node: Any, scope: Scope) -> bool:
        """Splice a reference to what is only read: a user table, or a catalog that would show the stand-in's own."""
        if not scope.has(node) and catalogs.is_shown_in_part(*self._noted(node)):
            self.qualify(node.location, 1 + bool(node.schemaname) + bool(node.catalogname), catalogs.SCHEMA)
            return False
        return self.relation(node, scope)

    def qualify(self, location: int, parts: int, schema: str | None) -> None:
        """Give a name of so many dotted parts another schema, or none.

        Once, however often the walk comes by: the columns of `(a, b) = (SELECT …)` share one tree.
        """
        if location in self._qualified:
            return
        self._qualified.add(location)
        at = self.source.index(location)
        last = self.source.start(at + 2 * (parts - 1))
        self.edits.replace(location, last, f"{schema}." if schema else "")


def is_upsert(node: Any) -> bool:
    """True for INSERT ... ON CONFLICT."""
    return isinstance(node, ast.InsertStmt) and node.onConflictClause is not None


def visit_all(rewriter: Rewriter, value: Any, scope: Scope) -> None:
    """Visit the nodes of a (nested) list."""
    for node in flatten(value or ()):
        rewriter.visit(node, scope)
