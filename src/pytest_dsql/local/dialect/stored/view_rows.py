"""The rows of tables that stand behind a row of a view, as far as a locking clause is concerned.

A clause reaches through views and subqueries to the tables in their FROM clauses. A row of a view tells which rows of
tables it was made of where the view shows their primary keys, or columns that its conditions hold equal to them.
Locked are the rows behind what the statement returns; PostgreSQL locks all that a LIMIT within the view lets pass.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.catalog import Catalog, Table, View
from pytest_dsql.local.dialect.refuse import locks
from pytest_dsql.local.dialect.statement import RefusedError
from pytest_dsql.local.dialect.stored.node_tree import NODE, read, walk_and

RELATION, SUBQUERY, JOIN = "0", "1", "2"
INNER, LEFT, FULL, RIGHT = "0", "1", "2", "3"
# The operators = of smallint, integer, bigint, text and uuid: what is equal there looks alike.
EQUALS = frozenset({"94", "96", "410", "98", "2972"})

# A column of an item of FROM: the number of the item, and its own there.
Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Underlying:
    """A table behind a query: the oids on the way to it, and the query's columns that hold its key, by number."""

    path: tuple[int, ...]
    table: Table
    key: tuple[int | None, ...]


def underlying(view: View, catalog: Catalog, clause: str) -> list[Underlying]:
    """The tables that `clause` locks rows of when it names a view; refuses where PostgreSQL does."""
    found = _query(read(view.rule)[0], catalog, clause)
    return [replace(item, path=(view.oid, *item.path)) for item in found]


def _query(query: Any, catalog: Catalog, clause: str) -> list[Underlying]:
    # What is below UNION is out of a clause's reach, and PostgreSQL says nothing.
    if query["setOperations"]:
        return []
    _check(query, clause)
    shown = _shown(query)
    found: list[Underlying] = []
    for number, nullable in _items(query["jointree"], nullable=False):
        entry = query["rtable"][number - 1]
        if nullable and entry["rtekind"] in (RELATION, SUBQUERY):
            raise RefusedError(facts.LOCK_NOT_APPLICABLE.refusal(clause, locks.NULLABLE))
        found += (_seen(item, number, shown) for item in _behind(entry, catalog, clause))
    return found


def _seen(item: Underlying, number: int, shown: Mapping[Position, int]) -> Underlying:
    """What an item of FROM stands on, from the query that has it as that number."""
    return replace(item, key=tuple(shown.get((number, column or 0)) for column in item.key))


def _check(query: Any, clause: str) -> None:
    shape = locks.QueryShape(
        distinct=bool(query["distinctClause"]),
        grouped=bool(query["groupClause"] or query["groupingSets"]),
        having=bool(query["havingQual"]),
        aggregates=query["hasAggs"] == "true",
        windows=query["hasWindowFuncs"] == "true",
        sets=query["hasTargetSRFs"] == "true",
    )
    locks.check(shape, clause)


def _behind(entry: Any, catalog: Catalog, clause: str) -> list[Underlying]:
    if entry["rtekind"] == SUBQUERY:
        return _query(entry["subquery"], catalog, clause)
    relation = catalog.by_oid.get(int(entry["relid"])) if entry["rtekind"] == RELATION else None
    if isinstance(relation, View):
        return underlying(relation, catalog, clause)
    return [Underlying((relation.oid,), relation, relation.key_numbers)] if relation else []


def _items(node: Any, *, nullable: bool) -> Iterator[tuple[int, bool]]:
    """The items of FROM by number, and whether an outer join may null them."""
    if node[NODE] == "RANGETBLREF":
        yield int(node["rtindex"]), nullable
    elif node[NODE] == "FROMEXPR":
        for item in node["fromlist"] or ():
            yield from _items(item, nullable=nullable)
    else:
        kind = node["jointype"]
        yield from _items(node["larg"], nullable=nullable or kind in (RIGHT, FULL))
        yield from _items(node["rarg"], nullable=nullable or kind in (LEFT, FULL))


def _shown(query: Any) -> Mapping[Position, int]:
    """The columns of FROM that a query shows, and as which of its own; what equals one of them is shown as well."""
    shown: dict[Position, int] = {}
    for target in query["targetList"] or ():
        position = position_of(query, target["expr"])
        if position and target["resjunk"] == "false":
            shown.setdefault(position, int(target["resno"]))
    equal = list(_equal(query))
    for _ in equal:
        for one, other in equal:
            for left, right in ((one, other), (other, one)):
                if left in shown:
                    shown.setdefault(right, shown[left])
    return shown


def _equal(query: Any) -> Iterator[tuple[Position, Position]]:
    for condition in _conditions(query["jointree"]):
        if condition[NODE] == "OPEXPR" and condition["opno"] in EQUALS:
            left, right = (position_of(query, item) for item in condition["args"])
            if left and right:
                yield left, right


def _conditions(node: Any) -> Iterator[Any]:
    """What holds for every row of FROM: conditions of WHERE and of inner joins."""
    if node[NODE] == "FROMEXPR":
        below, own = node["fromlist"] or [], node["quals"]
    elif node[NODE] == "JOINEXPR" and node["jointype"] == INNER:
        below, own = [node["larg"], node["rarg"]], node["quals"]
    else:
        return
    yield from walk_and(own)
    for item in below:
        yield from _conditions(item)


def position_of(query: Any, expression: Any) -> Position | None:
    """The column that an expression is, looked up through joins; None for any other expression."""
    if expression is None or expression[NODE] != "VAR" or expression["varlevelsup"] != "0":
        return None
    number, column = int(expression["varno"]), int(expression["varattno"])
    entry = query["rtable"][number - 1]
    if entry["rtekind"] == JOIN:
        return position_of(query, entry["joinaliasvars"][column - 1]) if column > 0 else None
    return number, column
