"""PostgreSQL's plan in Aurora DSQL's shape: scans of users' tables are scans of B-trees in storage.

A table is its primary key there, with all columns in it, so that no look-up by the key has to go on to another place;
a look-up by another index does. Sources: user guide "Reading Aurora DSQL EXPLAIN plans", the walk-through's source
(2025-11), live plans of 2026-10. Figures of storage are those of the scan above it, as in all plans on record.
"""

from typing import Any, Final

from pytest_dsql.local.dialect import Catalog, Table, facts
from pytest_dsql.local.explain.conditions import Split, split
from pytest_dsql.local.explain.figures import Node, nodes
from pytest_dsql.local.explain.names import quoted, references, unqualified

_FULL: Final = frozenset({"Seq Scan"})
_BY_INDEX: Final = frozenset({"Index Scan", "Index Only Scan"})
_ESTIMATES: Final = ("Startup Cost", "Total Cost", "Plan Rows", "Plan Width")
_REMOVED: Final = "Rows Removed by Filter"
_HEAPS: Final = frozenset({"Heap Fetches", "Rows Removed by Index Recheck"})
"""What PostgreSQL says of its heap, which is not there."""
_PLACES: Final = frozenset({"ctid", "tableoid"})


def is_storage(node: Node) -> bool:
    """Whether a node is what storage does for the scan above it."""
    return str(node["Node Type"]).startswith(("Storage ", "B-Tree "))


def in_storage(plan: Node, catalog: Catalog) -> Node:
    """Return a plan with the scans of users' tables as the service has them."""
    return _Shaper(plan, catalog).shaped(plan, root=True)


class _Shaper:
    def __init__(self, plan: Node, catalog: Catalog) -> None:
        self._plan, self._catalog = plan, catalog

    def shaped(self, node: Node, *, root: bool = False) -> Node:
        below = [self.shaped(child) for child in node.get("Plans", ())]
        table = self._catalog.tables.get((node.get("Schema", ""), node.get("Relation Name", "")))
        shaped = {key: value for key, value in node.items() if key != "Plans"}
        if "Output" in shaped:
            shaped["Output"] = [item for item in shaped["Output"] if item.rpartition(".")[2] not in _PLACES]
            shaped = {key: value for key, value in shaped.items() if key != "Output" or value}
        if table and node["Node Type"] in _FULL | _BY_INDEX:
            scan = _Scan(node, table, self._needed(node, table, root=root))
            shaped, below = scan.shaped(shaped), [*scan.storage(), *below]
        return {**shaped, "Plans": below} if below else shaped

    def _needed(self, node: Node, table: Table, *, root: bool) -> list[str]:
        """Return what a scan gives: of a whole row that PostgreSQL passes on as it is, what is used elsewhere."""
        columns, alias = [column.name for column in table.columns], node["Alias"]
        output = node.get("Output", [])
        given = references(output, alias, columns)
        if root or given != [quoted(column) for column in columns] or len(given) < len(output):
            return given
        used = [text for other in nodes(self._plan) for text in _expressions(other) if other is not node]
        elsewhere = references(used, alias, columns)
        return [name for name in given if name in elsewhere]


def _expressions(node: Node) -> list[str]:
    """Return the texts of a node that may be expressions."""
    listed = (value if isinstance(value, list) else [value] for value in node.values())
    return [item for items in listed for item in items if _is_text(item)]


def _is_text(item: Any) -> bool:
    return isinstance(item, str)


def _some(node: Node, *keys: str) -> Node:
    return {key: node[key] for key in keys if key in node}


class _Scan:
    """A scan of a user's table, by an index or without."""

    def __init__(self, node: Node, table: Table, needed: list[str]) -> None:
        self._node, self._table = node, table
        self._index = node.get("Index Name")
        primary = any(index.primary and index.name == self._index for index in table.unique_indexes)
        self._looks_up = node["Node Type"] == "Index Scan" and not primary
        self._split = self._conditions()
        self._columns = [column.name for column in table.columns]
        behind = [self._split.processor] if self._split.processor else []
        self._projections = list(dict.fromkeys([*needed, *references(behind, node["Alias"], self._columns)]))

    def _conditions(self) -> Split:
        alias, condition = self._node["Alias"], self._node.get("Filter")
        types = {quoted(column.name): column.type for column in self._table.columns}
        return split(condition and unqualified(condition, alias), types)

    @property
    def _removed_in_storage(self) -> int:
        return 0 if self._split.processor else self._node.get(_REMOVED, 0)

    def shaped(self, node: Node) -> Node:
        """Return the scan itself: what is left for the query processor."""
        name = facts.FULL_SCAN if self._index is None else "Index Scan" if self._looks_up else "Index Only Scan"
        dropped = _HEAPS if self._split.processor else _HEAPS | {"Filter", _REMOVED}
        shaped = {key: value for key, value in node.items() if key not in dropped} | {"Node Type": name}
        if self._split.processor:
            shaped["Filter"] = self._kept(self._split.processor)
        return shaped

    def _kept(self, condition: str) -> str:
        """A condition with its columns written as PostgreSQL did."""
        return str(self._node["Filter"]) if self._split.storage is None else condition

    def storage(self) -> list[Node]:
        """Return what the scan asks of storage."""
        if not self._looks_up:
            return [self._part("Scan", self._split.storage, self._projections)]
        filters = self._split.storage
        return [self._part("Scan", None, []), self._part("Lookup", filters, self._projections)]

    def _part(self, kind: str, filters: str | None, projections: list[str]) -> Node:
        node = self._node
        on = {"Index Name": self._index} if self._index and kind == "Scan" else _some(node, "Relation Name", "Schema")
        tree = {**on, **_some(node, *_ESTIMATES), **self._actual(node.get(_REMOVED, 0))}
        scanned: Node = {"Node Type": f"B-Tree {kind}", **tree}
        if kind == "Scan" and "Index Cond" in node:
            scanned["Index Cond"] = node["Index Cond"]
        part: Node = {"Node Type": f"Storage {kind}", **tree}
        part |= self._actual(node.get(_REMOVED, 0) - (self._removed_in_storage if filters else 0))
        if projections:
            part["Projections"] = projections
        if filters:
            part["Filters"] = filters
            if "Actual Rows" in node:
                part["Rows Filtered"] = self._removed_in_storage
        return {**part, "Plans": [scanned]}

    def _actual(self, removed: int) -> Node:
        node = self._node
        if "Actual Rows" not in node:
            return {}
        return {"Actual Rows": node["Actual Rows"] + removed, "Actual Loops": node["Actual Loops"]}
