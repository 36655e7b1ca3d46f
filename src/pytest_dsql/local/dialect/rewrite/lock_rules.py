"""PostgreSQL's own restrictions on locking clauses, answered here because the clause is cut."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.catalog import Table, View
from pytest_dsql.local.dialect.parse.nodes import strings, walk
from pytest_dsql.local.dialect.parse.parser import ast
from pytest_dsql.local.dialect.parse.text import quote
from pytest_dsql.local.dialect.refuse import locks
from pytest_dsql.local.dialect.refuse.queries import function_name
from pytest_dsql.local.dialect.rewrite.walk import Rewriter, Scope
from pytest_dsql.local.dialect.statement import RefusedError

NAMES = {"LCS_FORUPDATE": "FOR UPDATE", "LCS_FORKEYSHARE": "FOR KEY SHARE"}

AGGREGATES = frozenset(
    [
        "array_agg",
        "avg",
        "bit_and",
        "bit_or",
        "bit_xor",
        "bool_and",
        "bool_or",
        "count",
        "every",
        "json_agg",
        "json_object_agg",
        "jsonb_agg",
        "jsonb_object_agg",
        "max",
        "min",
        "range_agg",
        "range_intersect_agg",
        "string_agg",
        "sum",
        "xmlagg",
        "any_value",
        "corr",
        "covar_pop",
        "covar_samp",
        "regr_avgx",
        "regr_avgy",
        "regr_count",
        "regr_intercept",
        "regr_r2",
        "regr_slope",
        "regr_sxx",
        "regr_sxy",
        "regr_syy",
        "stddev",
        "stddev_pop",
        "stddev_samp",
        "variance",
        "var_pop",
        "var_samp",
        "mode",
        "percentile_cont",
        "percentile_disc",
    ]
)
SET_RETURNING = frozenset(
    [
        "generate_series",
        "generate_subscripts",
        "unnest",
        "regexp_matches",
        "regexp_split_to_table",
        "string_to_table",
        "json_array_elements",
        "json_array_elements_text",
        "jsonb_array_elements",
        "jsonb_array_elements_text",
        "json_each",
        "json_each_text",
        "jsonb_each",
        "jsonb_each_text",
        "json_object_keys",
        "jsonb_object_keys",
        "jsonb_path_query",
    ]
)


@dataclass(frozen=True, slots=True)
class Lockable:
    """An item of FROM: how it is referred to, what it is, and whether an outer join may null it.

    `columns` are those of a view, by the names they have in the query.
    """

    name: str
    reference: str
    kind: str
    nullable: bool
    table: Table | None = None
    query: Any = None
    view: View | None = None
    columns: tuple[str, ...] = ()

    @property
    def implied(self) -> bool:
        """True where a clause without OF takes it in."""
        return self.kind in ("relation", "subquery")


def check_query(node: Any, clause: str, *, pushed_down: bool = False) -> None:
    """Refuse a clause on a query whose rows are not rows of a table."""
    if node.valuesLists:
        if not pushed_down:
            raise RefusedError(facts.LOCK_NOT_APPLICABLE.refusal(clause, "VALUES"))
        return
    calls = list(_calls(node))
    shape = locks.QueryShape(
        united=node.op.name != "SETOP_NONE",
        distinct=bool(node.distinctClause),
        grouped=bool(node.groupClause),
        having=bool(node.havingClause),
        aggregates=any(_aggregates(call) for call in calls),
        windows=any(call.over for call in calls),
        sets=any(function_name(call) in SET_RETURNING for call in calls),
    )
    locks.check(shape, clause)


def _calls(node: Any) -> Iterator[Any]:
    for target in node.targetList or ():
        yield from (item for item in walk(target, into_queries=False) if isinstance(item, ast.FuncCall))


def _aggregates(call: Any) -> bool:
    marked = call.agg_star or call.agg_distinct or call.agg_filter or call.agg_order or call.agg_within_group
    return not call.over and (bool(marked) or function_name(call) in AGGREGATES)


def lockables(rewriter: Rewriter, items: Any, scope: Scope) -> list[Lockable]:
    """The items of a FROM clause, through joins."""
    found: list[Lockable] = []
    for item in items:
        found += _lockables(rewriter, item, scope, nullable=False)
    return found


def _lockables(rewriter: Rewriter, item: Any, scope: Scope, *, nullable: bool) -> list[Lockable]:
    alias = item.alias.aliasname if getattr(item, "alias", None) else None
    node_type = type(item)
    if node_type is ast.JoinExpr:
        kind = item.jointype.name
        left = _lockables(rewriter, item.larg, scope, nullable=nullable or kind in ("JOIN_RIGHT", "JOIN_FULL"))
        right = _lockables(rewriter, item.rarg, scope, nullable=nullable or kind in ("JOIN_LEFT", "JOIN_FULL"))
        joined = [Lockable(alias, quote(alias), "a join", nullable)] if alias else []
        return [*left, *right, *joined]
    if node_type is ast.RangeVar:
        return [_relation(rewriter, item, scope, nullable=nullable)]
    if node_type is ast.RangeSubselect:
        return [Lockable(alias or "", quote(alias or ""), "subquery", nullable, query=item.subquery)]
    name = "a function" if node_type is ast.RangeFunction else "a table function"
    return [Lockable(alias or "", quote(alias or ""), name, nullable)]


def _relation(rewriter: Rewriter, item: Any, scope: Scope, *, nullable: bool) -> Lockable:
    name = item.alias.aliasname if item.alias else item.relname
    if scope.has(item):
        return Lockable(name, quote(name), "a WITH query", nullable)
    table = rewriter.table(item, scope)
    shadowed = table is not None and not item.alias
    reference = f"{table.shadow_schema}.{quote(name)}" if table and shadowed else quote(name)
    view = rewriter.view(item, scope)
    columns = _renamed(tuple(column.name for column in view.columns), item) if view else ()
    return Lockable(name, reference, "relation", nullable, table, view=view, columns=columns)


def _renamed(columns: tuple[str, ...], item: Any) -> tuple[str, ...]:
    names = strings(item.alias.colnames) if item.alias else ()
    return names + columns[len(names) :]


def targets(clause: Any, items: list[Lockable]) -> list[Lockable]:
    """The items a clause locks, in the order of its OF list."""
    text = NAMES[clause.strength.name]
    if not clause.lockedRels:
        chosen = [item for item in items if item.implied]
    else:
        chosen = [_named(relation, items, text) for relation in clause.lockedRels]
    if any(item.nullable for item in chosen):
        raise RefusedError(facts.LOCK_NOT_APPLICABLE.refusal(text, locks.NULLABLE))
    return chosen


def _named(relation: Any, items: list[Lockable], text: str) -> Lockable:
    if relation.schemaname or relation.catalogname:
        raise RefusedError(facts.LOCK_QUALIFIED.refusal(text, position=relation.location))
    item = next((item for item in items if item.name == relation.relname), None)
    if item is None:
        raise RefusedError(facts.LOCK_UNKNOWN.refusal(relation.relname, text, position=relation.location))
    if not item.implied:
        raise RefusedError(facts.LOCK_NOT_APPLICABLE.refusal(text, item.kind))
    return item
