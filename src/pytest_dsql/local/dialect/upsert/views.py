"""A view in the place of a table: one that shows columns of a table or of another such view, and all of its rows.

Where it shows a part of the rows, or leaves out a column of a unique key, a conflict could be with a row that no query
of the view finds. An upsert of such a view is left to PostgreSQL, which finds no key there: a conflict target is
refused, and without one a duplicate is an error.
"""

from dataclasses import replace
from typing import Any

from pytest_dsql.local.dialect.catalog import Catalog, Column, Table, UniqueIndex, View
from pytest_dsql.local.dialect.parse.text import quote
from pytest_dsql.local.dialect.stored.node_tree import NODE, read
from pytest_dsql.local.dialect.stored.view_rows import RELATION, position_of

_CLAUSES = (
    *("setOperations", "distinctClause", "groupClause", "groupingSets", "havingQual"),
    *("cteList", "limitOffset", "limitCount"),
)
_FLAGS = ("hasAggs", "hasWindowFuncs", "hasTargetSRFs")


def as_table(view: View, catalog: Catalog) -> Table | None:
    """The view with the columns and keys of what it stands on; None for other views."""
    (query,) = read(view.rule)
    below = _below(query, catalog)
    columns = _columns(query, view, below) if below else None
    if below is None or columns is None:
        return None
    names = {shown.name: column.name for shown, column in columns}
    keys = [_renamed(index, names) for index in below.unique_indexes]
    if len(names) < len(columns) or None in keys:
        return None
    return Table(
        view.schema,
        view.name,
        quote(view.schema),
        tuple(column for _, column in columns),
        tuple(key for key in keys if key),
    )


def _below(query: Any, catalog: Catalog) -> Table | None:
    if any(query.get(clause) for clause in _CLAUSES) or any(query[flag] == "true" for flag in _FLAGS):
        return None
    items, where = query["jointree"]["fromlist"] or [], query["jointree"]["quals"]
    if where or len(items) != 1 or items[0][NODE] != "RANGETBLREF":
        return None
    entry = query["rtable"][int(items[0]["rtindex"]) - 1]
    found = catalog.by_oid.get(int(entry["relid"])) if entry["rtekind"] == RELATION else None
    return as_table(found, catalog) if isinstance(found, View) else found


def _columns(query: Any, view: View, below: Table) -> list[tuple[Column, Column]] | None:
    """Each column below with the view's; None where one of the view's is something else."""
    by_number = {column.number: column for column in below.columns}
    found = []
    targets = [target for target in query["targetList"] or () if target["resjunk"] == "false"]
    for target, own in zip(targets, view.columns, strict=True):
        _, number = position_of(query, target["expr"]) or (0, 0)
        column = by_number.get(number)
        if column is None:
            return None
        default = own.default or column.default
        found.append((column, replace(own, default=default, generated=column.generated, identity=column.identity)))
    return found


def _renamed(index: UniqueIndex, names: dict[str, str]) -> UniqueIndex | None:
    if index.partial or index.expressions or not {*index.columns} <= names.keys():
        return None
    return replace(index, columns=tuple(names[name] for name in index.columns if name))
