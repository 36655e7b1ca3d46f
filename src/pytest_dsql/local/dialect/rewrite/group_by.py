"""GROUP BY of a whole primary key allows every column of its table, which PostgreSQL does not know of a view.

The columns of the table that the query names outside its aggregates, and does not group by, join the clause.
As the key is there already, the groups stay what they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytest_dsql.local.dialect.catalog import Table
from pytest_dsql.local.dialect.parse.nodes import flatten, strings, walk
from pytest_dsql.local.dialect.parse.parser import ast
from pytest_dsql.local.dialect.parse.text import quote
from pytest_dsql.local.dialect.rewrite.walk import Rewriter, Scope


@dataclass(frozen=True, slots=True)
class Grouped:
    """A user table of the FROM clause: how the query calls it, and which of its columns are grouped."""

    name: str
    table: Table
    columns: frozenset[str]

    @property
    def by_key(self) -> bool:
        """True where the whole primary key is grouped."""
        key = self.table.primary_key
        return bool(key) and self.columns.issuperset(name for name in key if name)

    def missing(self, named: set[str]) -> list[str]:
        """The columns that have to be grouped too, qualified."""
        names = [column.name for column in self.table.columns if column.name in named - self.columns]
        return [f"{quote(self.name)}.{quote(name)}" for name in names]


def extend_group_by(rewriter: Rewriter, node: Any, scope: Scope) -> None:
    """Splice what is missing in front of the clause's first item."""
    if node.groupDistinct or any(isinstance(item, ast.GroupingSet) for item in node.groupClause):
        return
    items = [_meant(item, node.targetList or ()) for item in node.groupClause]
    grouped = [field for item in items if isinstance(item, ast.ColumnRef) for field in [strings(item.fields)]]
    tables = [Grouped(name, table, _columns_of(name, table, grouped)) for name, table in _tables(rewriter, node, scope)]
    keyed = [table for table in tables if table.by_key]
    if not keyed:
        return
    extra = [column for table in keyed for column in table.missing(_named(node, table))]
    at = _first_item(rewriter, node)
    if extra and at is not None:
        rewriter.edits.insert(at, f"{', '.join(extra)}, ")


def _tables(rewriter: Rewriter, node: Any, scope: Scope) -> Iterator[tuple[str, Table]]:
    waiting: list[Any] = list(flatten(node.fromClause or ()))
    while waiting:
        item = waiting.pop(0)
        if isinstance(item, ast.JoinExpr) and item.alias is None:
            waiting += [item.larg, item.rarg]
        elif isinstance(item, ast.RangeVar) and not (item.alias and item.alias.colnames):
            table = rewriter.table(item, scope)
            if table is not None:
                yield str(item.alias.aliasname if item.alias else table.name), table


def _meant(item: Any, targets: Any) -> Any:
    """The expression behind a position (`GROUP BY 1`)."""
    number = getattr(getattr(item, "val", None), "ival", None) if isinstance(item, ast.A_Const) else None
    return targets[number - 1].val if number and number <= len(targets) else item


def _columns_of(name: str, table: Table, fields: list[tuple[str, ...]]) -> frozenset[str]:
    return frozenset(
        field[-1] for field in fields if field[-1] in table.by_name and (len(field) == 1 or field[-2] == name)
    )


def _named(node: Any, grouped: Grouped) -> set[str]:
    """The columns of a table that stand in the select list, HAVING or ORDER BY; all of them where a star does."""
    named: set[str] = set()
    for part in flatten((node.targetList or (), node.havingClause or (), node.sortClause or ())):
        for item in walk(part):
            if isinstance(item, ast.ColumnRef):
                named |= _names(item, grouped)
    return named


def _names(column: Any, grouped: Grouped) -> set[str]:
    everything = set(grouped.table.by_name)
    qualifier = strings(column.fields[:-1])
    if qualifier and qualifier[-1] != grouped.name:
        return set()
    if isinstance(column.fields[-1], ast.A_Star):
        return everything
    return {column.fields[-1].sval} & everything


def _first_item(rewriter: Rewriter, node: Any) -> int | None:
    """Where the clause's first item starts; constants have no position, so then the way is from the FROM clause on."""
    source = rewriter.source
    place = _leftmost(node.groupClause[0])
    if place is None:
        group = source.find(source.index(_leftmost(node.fromClause) or 0), len(source.tokens), "GROUP_P")
        at = group + 2
    else:
        at = source.index(place)
        while at > 0 and source.name(at - 1) != "BY":
            at -= 1
    if source.name(at - 2) != "GROUP_P":
        return None
    return source.start(at + 1 if source.name(at) == "ALL" else at)


def _leftmost(items: Any) -> int | None:
    places = [getattr(node, "location", None) for item in flatten(items) for node in walk(item)]
    return min((place for place in places if place is not None and place >= 0), default=None)
