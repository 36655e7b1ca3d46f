"""INSERT ... ON CONFLICT as one statement of CTEs, since it cannot run on a view with INSTEAD OF triggers.

    WITH new     AS MATERIALIZED (the proposed rows, typed and with their defaults; a bad one is refused),
         chosen  AS MATERIALIZED (of several rows, those whose key is there, where (...) holds),
         changed AS (UPDATE view AS t SET ... FROM chosen, its columns as excluded WHERE keys equal RETURNING ...),
         added   AS (INSERT INTO view SELECT ... FROM new WHERE no row of these keys RETURNING ...)
    SELECT the RETURNING list FROM (changed UNION ALL added) AS t

All parts see the rows from before the statement. A proposed row behind another of its key that has come in or has
changed a row is PostgreSQL's error 21000, raised by the engine's function `occ.affect_row_twice()`; DO NOTHING passes
it over. What PostgreSQL itself would reject at once (an unknown column, too many values) is left as it was, for
PostgreSQL to say so.
"""

# The text put together here is the user's own statement, for the user's own rights.
# ruff: noqa: S608

from dataclasses import dataclass, replace
from typing import Any

from pytest_dsql.local.dialect.catalog import Table
from pytest_dsql.local.dialect.parse.text import quote
from pytest_dsql.local.dialect.rewrite.found import Found
from pytest_dsql.local.dialect.rewrite.walk import Rewriter, Scope, visit_all
from pytest_dsql.local.dialect.upsert.arbiters import Arbiter, arbiters, over
from pytest_dsql.local.dialect.upsert.duplicates import one_by_one
from pytest_dsql.local.dialect.upsert.layout import Layout, layout_of
from pytest_dsql.local.dialect.upsert.rows import Proposed, proposed
from pytest_dsql.local.dialect.upsert.views import as_table

AFFECT_TWICE = "occ.affect_row_twice()"


@dataclass(frozen=True, slots=True)
class Upsert:
    """The pieces of one rewritten statement."""

    definitions: str
    final: str


def rewrite_top(rewriter: Rewriter, node: Any, scope: Scope) -> None:
    """Rewrite an upsert that is a statement of its own."""
    inner = rewriter.enter_with(node, scope)
    upsert, layout = _compose(rewriter, node, inner)
    if upsert is None or layout is None:
        return
    head = ", " if node.withClause else "WITH "
    # In a body the statement must not give rows, but their number.
    counts = "INSERT INTO occ.affected " if scope.inside and not node.returningClause else ""
    rewriter.edits.enclose(layout.start, layout.end, f"{head}{upsert.definitions} {counts}{upsert.final}")
    rewriter.note(Found(upsert=node))


def rewrite_cte(rewriter: Rewriter, cte: Any, scope: Scope) -> None:
    """Rewrite an upsert in a CTE: its parts become CTEs beside it, for they have to stand at the top."""
    node = cte.ctequery
    rewriter.note(Found(writes=True))
    upsert, layout = _compose(rewriter, node, rewriter.enter_with(node, scope))
    if upsert is None or layout is None:
        return
    definitions, start = upsert.definitions, layout.start
    if node.withClause:
        start = node.withClause.location
        first = node.withClause.ctes[0].location
        definitions = f"{rewriter.edits.render(first, layout.start)}, {definitions}"
    rewriter.edits.enclose(start, layout.end, upsert.final)
    rewriter.edits.insert(cte.location, f"{definitions}, ")


def _compose(rewriter: Rewriter, node: Any, scope: Scope) -> tuple[Upsert | None, Layout | None]:
    table = _target(rewriter, node.relation, replace(scope, ctes=frozenset()))
    if table is None:
        visit_all(rewriter, node.selectStmt, scope)
        return None, None
    layout = layout_of(rewriter.source, node)
    bare = replace(scope, bare=scope.bare | {(table.schema, table.name)})
    visit_all(rewriter, node.selectStmt, scope)
    visit_all(rewriter, (node.onConflictClause.targetList or (), node.onConflictClause.whereClause), bare)
    visit_all(rewriter, node.returningClause, bare)
    rows = proposed(rewriter, node, table, layout)
    updates = node.onConflictClause.action.name == "ONCONFLICT_UPDATE"
    if rows is None or (updates and node.onConflictClause.infer is None):
        return None, None
    found = arbiters(node, table)
    if found is None:
        return None, None
    return Composer(rewriter, node, table, layout, rows, found, next(rewriter.upserts)).compose(), layout


def _target(rewriter: Rewriter, relation: Any, scope: Scope) -> Table | None:
    table = rewriter.table(relation, scope)
    view = None if table else rewriter.view(relation, scope)
    return as_table(view, rewriter.catalog) if view else table


@dataclass(frozen=True)
class Composer:
    """Writes the CTEs; every name of its own starts with `pg_occ_`."""

    rewriter: Rewriter
    node: Any
    table: Table
    layout: Layout
    rows: Proposed
    arbiters: list[Arbiter]
    number: int

    def compose(self) -> Upsert:
        """The definitions and the SELECT behind them."""
        parts = [("new", True, self._new())]
        if self.updates and not self.rows.single:
            parts.append(("chosen", True, self._chosen()))
        if self.updates:
            parts.append(("changed", False, self._changed()))
        parts.append(("added", False, self._added()))
        definitions = ", ".join(
            f"{self._name(part)} AS {'MATERIALIZED ' if once else ''}({text})" for part, once, text in parts
        )
        return Upsert(definitions, self._final())

    @property
    def updates(self) -> bool:
        """True for DO UPDATE."""
        return bool(self.node.onConflictClause.action.name == "ONCONFLICT_UPDATE")

    @property
    def alias(self) -> str:
        """How the statement calls its table."""
        alias = self.node.relation.alias
        return quote(alias.aliasname if alias else self.table.name)

    @property
    def view(self) -> str:
        """The shadow view."""
        return f"{self.table.shadow_schema}.{quote(self.table.name)}"

    @property
    def ranked(self) -> bool:
        """True where rows may have one key between them that decides."""
        return not self.rows.single and len(self.arbiters) == 1

    def _name(self, part: str) -> str:
        return f"pg_occ_{part}_{self.number}"

    def _columns(self, relation: str = "", *, generated: bool = True) -> str:
        left_out = () if generated else self.rows.left_out
        names = [column.name for column in self.table.columns if column.name not in left_out]
        prefix = f"{relation}." if relation else ""
        return ", ".join(prefix + quote(name) for name in names)

    def _new(self) -> str:
        valid = self._valid()
        if not self.ranked:
            return f"SELECT pg_occ_q.* FROM ({self.rows.sql}) AS pg_occ_q{valid}" if valid else self.rows.sql
        of_key = f"PARTITION BY {self.arbiters[0].keys('pg_occ_q')} ORDER BY pg_occ_q.pg_occ_n"
        rank = f"row_number() OVER ({of_key}) AS pg_occ_rank"
        return f"SELECT pg_occ_q.*, {rank} FROM ({self.rows.sql}) AS pg_occ_q{valid}"

    def _valid(self) -> str:
        """A proposed row has to fulfil the table's conditions, also where it is not to be inserted.

        A column of every arbiter need not be looked at: where it is NULL there is no conflict.
        """
        needed = [
            column.name for column in self.table.columns if column.not_null and column.name not in self.rows.left_out
        ]
        needed = [name for name in needed if any(name not in arbiter.columns for arbiter in self.arbiters)]
        tests = [f"pg_occ_q.{quote(name)} IS NULL" for name in needed]
        tests += [f"{over(check, 'pg_occ_q')} IS FALSE" for check in self.table.checks]
        refuse = f"{self.table.shadow_schema}.refuse(ROW({self._columns('pg_occ_q')})::{self.view})"
        return f" WHERE CASE WHEN {' OR '.join(tests)} THEN {refuse} ELSE true END" if tests else ""

    def _changed(self) -> str:
        edits, layout = self.rewriter.edits, self.layout
        source = f"{self._name('new')} AS excluded" if self.rows.single else self._excluded("chosen")
        conditions = [self.arbiters[0].match(self.alias, "excluded")]
        if self.rows.single:
            conditions.append(self._condition())
        assignments = edits.render(*layout.assignments) if layout.assignments else ""
        return (
            f"UPDATE {self.view} AS {self.alias} SET {assignments} FROM {source}"
            f" WHERE {' AND '.join(conditions)} RETURNING {self._columns(self.alias)}"
        )

    def _condition(self) -> str:
        condition = self.layout.condition
        return f"({self.rewriter.edits.render(*condition)})" if condition else "true"

    def _excluded(self, part: str) -> str:
        """The rows of a part, and beside each itself as `excluded`, with the table's columns and no others."""
        return f"{self._name(part)} AS pg_occ_given, LATERAL (SELECT {self._columns('pg_occ_given')}) AS excluded"

    def _chosen(self) -> str:
        """The proposed rows that change another; one behind such a row of the same key is an error, whatever it is."""
        before = (
            f"OVER (PARTITION BY {self.arbiters[0].keys('pg_occ_given')} ORDER BY pg_occ_given.pg_occ_n"
            " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
        )
        changes = f"{self._condition()} IS TRUE"
        rows = (
            f"SELECT pg_occ_given.*, {changes} AS pg_occ_changes, bool_or({changes}) {before} AS pg_occ_again"
            f" FROM {self._excluded('new')}, {self.view} AS {self.alias}"
            f" WHERE {self.arbiters[0].match(self.alias, 'excluded')}"
        )
        test = f"CASE WHEN pg_occ_m.pg_occ_again THEN {AFFECT_TWICE} ELSE pg_occ_m.pg_occ_changes END"
        return f"SELECT pg_occ_m.* FROM ({rows}) AS pg_occ_m WHERE {test}"

    def _added(self) -> str:
        conditions = [
            f"NOT EXISTS (SELECT FROM {self.view} AS pg_occ_old WHERE {arbiter.match('pg_occ_old', 'pg_occ_given')})"
            for arbiter in self.arbiters
        ]
        if self.ranked:
            repeated = f"pg_occ_given.pg_occ_rank > 1 AND {self.arbiters[0].applies('pg_occ_given')}"
            then = AFFECT_TWICE if self.updates else "false"
            # In this order: of a key that is there, each row is a change or nothing.
            first = f"CASE WHEN {repeated} THEN {then} ELSE true END"
            conditions = [f"CASE WHEN {conditions[0]} THEN {first} ELSE false END"]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        given = f"{self._name('new')} AS pg_occ_given{where}"
        if not self.rows.single and len(self.arbiters) > 1:
            given = one_by_one(given, self.arbiters)
        return (
            f"INSERT INTO {self.view} AS pg_occ_row ({self._columns(generated=False)})"
            f" SELECT {self._columns('pg_occ_given', generated=False)}"
            f" FROM {given} RETURNING {self._columns('pg_occ_row')}"
        )

    def _final(self) -> str:
        layout = self.layout
        listed = self.rewriter.edits.render(*layout.returning) if layout.returning else ""
        sources = [self._name(part) for part in (["changed", "added"] if self.updates else ["added"])]
        columns = self._columns if layout.returning else lambda _: ""
        union = " UNION ALL ".join(f"SELECT {columns(source)} FROM {source}" for source in sources)
        return f"SELECT {listed} FROM ({union}) AS {self.alias}"
