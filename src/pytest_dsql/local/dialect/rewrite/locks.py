"""FOR UPDATE and FOR KEY SHARE: the clause is cut, and its tables get a lock mark per row.

A mark is a call `pg_occ_<oid>.for_update(alias.*)` that returns NULL; for a view `occ.hold(…)`, one for each table
behind it, with the oids of view and table and the values of the table's key. At the top of a message it is one more
column, hidden by the proxy. Elsewhere the SELECT is wrapped so that its own columns stay what they were; where
their names cannot be told, and in a subquery of FROM that an outer clause reaches into, the mark is a condition
of WHERE: it may lock more rows than are returned, never fewer.
"""

# The text put together here is the user's own statement, for the user's own rights.
# ruff: noqa: S608

from typing import Any

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.catalog import View
from pytest_dsql.local.dialect.parse.parser import ast
from pytest_dsql.local.dialect.parse.text import DOT, SEMICOLON, Source, quote
from pytest_dsql.local.dialect.rewrite.lock_rules import NAMES, Lockable, check_query, lockables, targets
from pytest_dsql.local.dialect.rewrite.walk import Rewriter, Scope
from pytest_dsql.local.dialect.statement import RefusedError
from pytest_dsql.local.dialect.stored.view_rows import underlying

FUNCTIONS = {"LCS_FORUPDATE": "for_update", "LCS_FORKEYSHARE": "for_key_share"}
LETTERS = {"LCS_FORUPDATE": "X", "LCS_FORKEYSHARE": "S"}
CLAUSES_BEHIND = ("GROUP_P", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET", "FETCH", "FOR", "UNION", "INTERSECT")


def rewrite_locking(rewriter: Rewriter, node: Any, scope: Scope) -> int:
    """Cut a SELECT's locking clauses and mark their tables; the number of columns put behind its list."""
    for clause in node.lockingClause:
        if clause.strength.name not in FUNCTIONS:
            raise RefusedError(facts.LOCKING_CLAUSE.refusal())
        check_query(node, NAMES[clause.strength.name])
    extent = Extent(rewriter.source, node)
    extent.spell_out(rewriter)
    extent.cut_locks(rewriter, len(node.lockingClause))
    marks = _marks(rewriter, node, scope)
    if not marks:
        return 0
    if node is scope.top:
        rewriter.edits.insert(extent.list_end(), extent.comma() + ", ".join(marks) + " ")
        return len(marks)
    names = _output_names(node)
    if names is None:
        _add_condition(rewriter, extent, marks)
    else:
        _wrap(rewriter, node, extent, names, marks)
    return 0


def _marks(rewriter: Rewriter, node: Any, scope: Scope) -> list[str]:
    items = lockables(rewriter, node.fromClause or (), scope)
    locked: dict[str, tuple[Lockable, str]] = {}
    for clause in node.lockingClause:
        for item in targets(clause, items):
            # The stronger of two clauses counts, as in PostgreSQL.
            if locked.get(item.reference, (item, ""))[1] != "LCS_FORUPDATE":
                locked[item.reference] = (item, clause.strength.name)
    return [mark for item, strength in locked.values() for mark in _item_marks(rewriter, item, scope, strength)]


def _item_marks(rewriter: Rewriter, item: Lockable, scope: Scope, strength: str) -> list[str]:
    if item.query is not None:
        _lock_subquery(rewriter, item.query, scope, strength)
    if item.table is not None:
        return [f"{item.table.shadow_schema}.{FUNCTIONS[strength]}({item.reference}.*)"]
    return _view_marks(rewriter, item, item.view, strength) if item.view else []


def _view_marks(rewriter: Rewriter, item: Lockable, view: View, strength: str) -> list[str]:
    marks = []
    for found in underlying(view, rewriter.catalog, NAMES[strength]):
        key = [f"{item.reference}.{quote(item.columns[number - 1])}::text" for number in found.key if number]
        if not key or len(key) < len(found.key):
            raise RefusedError(facts.LOCK_VIEW.refusal(NAMES[strength], view.name, found.table.name))
        path = ",".join(map(str, found.path))
        marks.append(f"occ.hold('{LETTERS[strength]}', '{{{path}}}', ARRAY[{', '.join(key)}])")
    return marks


def _lock_subquery(rewriter: Rewriter, query: Any, scope: Scope, strength: str) -> None:
    """An outer clause reaches into the subqueries of FROM, and obeys the same restrictions there."""
    check_query(query, NAMES[strength], pushed_down=True)
    if query.lockingClause:
        return
    items = lockables(rewriter, query.fromClause or (), scope)
    marks = [mark for item in items for mark in _item_marks(rewriter, item, scope, strength)]
    if marks:
        extent = Extent(rewriter.source, query)
        extent.spell_out(rewriter)
        _add_condition(rewriter, extent, marks)


def _output_names(node: Any) -> list[str] | None:
    """The names of a SELECT's columns, None where one cannot be told."""
    names = []
    for target in node.targetList or ():
        name = target.name or _inferred_name(target.val)
        if name is None:
            return None
        names.append(name)
    return names


def _inferred_name(value: Any) -> str | None:
    """The name PostgreSQL gives an unnamed column, None for `*` and for rarer kinds of expression."""
    kind = type(value)
    if kind is ast.ColumnRef:
        return getattr(value.fields[-1], "sval", None)
    if kind is ast.FuncCall:
        return str(value.funcname[-1].sval)
    return "?column?" if kind in (ast.A_Const, ast.ParamRef, ast.A_Expr) else None


def _wrap(rewriter: Rewriter, node: Any, extent: "Extent", names: list[str], marks: list[str]) -> None:
    columns = [f"c{number}" for number in range(len(names))]
    extra = [f"m{number}" for number in range(len(marks))]
    start = node.withClause.location if node.withClause else extent.start()
    listed = ", ".join(f"pg_occ_lock.{column} AS {quote(name)}" for column, name in zip(columns, names, strict=True))
    inner = ", ".join([*columns, *extra])
    tests = " AND ".join(f"pg_occ_lock.{name} IS NULL" for name in extra)
    rewriter.edits.insert(start, f"SELECT {listed} FROM (")
    rewriter.edits.insert(extent.list_end(), extent.comma() + ", ".join(marks) + " ")
    rewriter.edits.insert(extent.end(), f") AS pg_occ_lock({inner}) WHERE {tests} ")


def _add_condition(rewriter: Rewriter, extent: "Extent", marks: list[str]) -> None:
    tests = " AND ".join(f"{mark} IS NULL" for mark in marks)
    source = rewriter.source
    where = source.find(extent.first, extent.limit, "WHERE")
    behind = source.find(where if where < extent.limit else extent.first, extent.limit, *CLAUSES_BEHIND)
    at = source.end(behind - 1)
    if where < extent.limit:
        rewriter.edits.insert(source.end(where), " (")
        rewriter.edits.insert(at, f") AND {tests} ")
    else:
        rewriter.edits.insert(at, f" WHERE {tests} ")


class Extent:
    """The tokens of one SELECT, from its first target on, at its own depth; of TABLE from this word on."""

    def __init__(self, source: Source, node: Any) -> None:
        self.source, self.node = source, node
        anchor = node.targetList[0].location if node.targetList else None
        self.is_table = bool(node.targetList) and anchor is None
        self.first = source.index(self._from_location(node.fromClause[0]) if anchor is None else anchor)
        if self.is_table:
            self.first = self._back(self.first, "TABLE")
        self.limit = self._limit(self.first)

    def _back(self, at: int, name: str) -> int:
        while at > 0 and self.source.name(at) != name:
            at -= 1
        return at

    def spell_out(self, rewriter: Rewriter) -> None:
        """Write ``TABLE name`` as a SELECT, which can have more columns and conditions."""
        if not self.is_table:
            return
        start = self.source.start(self.first)
        rewriter.edits.insert(start, "SELECT * ")
        rewriter.edits.replace(start, self.source.end(self.first), "FROM")

    def _from_location(self, item: Any) -> int:
        while isinstance(item, ast.JoinExpr):
            item = item.larg
        return int(getattr(item, "location", 0) or 0)

    def _limit(self, at: int) -> int:
        source, count = self.source, len(self.source.tokens)
        end = source.find(at, count, SEMICOLON, "RETURNING")
        while at < end and source.name(at) not in {"ASCII_41", "ASCII_93"}:
            following = source.name(at + 1)
            if source.name(at) == "ON" and following == "CONFLICT":
                return at
            if source.name(at) in ("WITH", "WITH_LA") and following in ("CHECK", "CASCADED", "LOCAL"):
                return at
            at = source.step(at)
        return at

    def start(self) -> int:
        """Where SELECT stands."""
        return self.source.start(self._back(self.first, "SELECT"))

    def end(self) -> int:
        """The position behind the SELECT."""
        return self.source.end(self.limit - 1)

    def comma(self) -> str:
        """What separates an added column from the list."""
        return " , " if self.node.targetList else " "

    def list_end(self) -> int:
        """Where the select list ends: at FROM, but not that of IS DISTINCT FROM."""
        if self.is_table:
            return self.source.start(self.first)
        at = self.source.find(self.first, self.limit, "FROM") if self.node.targetList else self.first - 1
        while self.source.name(at - 1) == "DISTINCT" and at < self.limit:
            at = self.source.find(at + 1, self.limit, "FROM")
        return self.source.start(at)

    def cut_locks(self, rewriter: Rewriter, count: int) -> None:
        """Take out the clauses; `(SELECT ...) FOR UPDATE` has them behind the brackets."""
        at, limit = self.first, self.limit
        while count and at < len(self.source.tokens):
            at = self.source.find(at, limit, "FOR")
            if at >= limit:
                at, limit = limit + 1, self._limit(limit + 1)
                continue
            behind = self._behind_lock(at)
            rewriter.edits.replace(self.source.start(at), self.source.end(behind - 1), "")
            at, count = behind, count - 1

    def _behind_lock(self, at: int) -> int:
        source = self.source
        at += 1
        while source.name(at) in ("NO", "KEY", "UPDATE", "SHARE"):
            at += 1
        if source.name(at) == "OF":
            at += 2
            while source.name(at) in ("ASCII_44", DOT):
                at += 2
        if source.name(at) == "SKIP":
            return at + 2
        return at + (source.name(at) == "NOWAIT")
