"""The first line of a node: what it is, on what, and its figures."""

from typing import Final

from pytest_dsql.local.explain.figures import Node
from pytest_dsql.local.explain.names import quoted
from pytest_dsql.local.explain.storage import is_storage

_STRATEGIES: Final = {
    "Aggregate": {"Sorted": "GroupAggregate", "Hashed": "HashAggregate", "Mixed": "MixedAggregate"},
    "SetOp": {"Hashed": "HashSetOp"},
}
_JOINS: Final = {"Nested Loop": "Nested Loop", "Hash Join": "Hash", "Merge Join": "Merge"}
_OBJECTS: Final = ("Relation Name", "Function Name", "Table Function Name", "CTE Name", "Tuplestore Name")


def is_verbose(node: Node) -> bool:
    """Whether a node tells what VERBOSE has it tell."""
    return "Output" in node or "Schema" in node


def title(node: Node) -> str:
    """Return what a node is, and on what."""
    return f"{_parallel(node)}{_kind(node)}{_direction(node)}{_index(node)}{_target(node)}"


def _parallel(node: Node) -> str:
    partial = node.get("Partial Mode", "Simple")
    return "" if partial == "Simple" else f"{partial} "


def _kind(node: Node) -> str:
    kind = str(node["Node Type"])
    if kind == "ModifyTable":
        return str(node["Operation"])
    if kind in _JOINS:
        return _JOINS[kind] + _join(node)
    command = f" {node['Command']}" if "Command" in node else ""
    return _STRATEGIES.get(kind, {}).get(node.get("Strategy", ""), kind) + command


def _join(node: Node) -> str:
    kind = node["Join Type"]
    if kind != "Inner":
        return f" {kind} Join"
    return "" if node["Node Type"] == "Nested Loop" else " Join"


def _direction(node: Node) -> str:
    return " Backward" if node.get("Scan Direction") == "Backward" else ""


def _index(node: Node) -> str:
    if "Index Name" not in node:
        return ""
    return f" {'on' if is_storage(node) else 'using'} {quoted(node['Index Name'])}"


def _target(node: Node) -> str:
    if is_storage(node) and "Index Name" in node:
        return ""
    name = next((str(node[key]) for key in _OBJECTS if key in node), None)
    alias = node.get("Alias")
    if name is None:
        return f" on {quoted(alias)}" if alias else ""
    schema = f"{quoted(node['Schema'])}." if "Schema" in node else ""
    called = f" {quoted(alias)}" if alias and alias != name else ""
    return f" on {schema}{quoted(name)}{called}"


def figures(node: Node) -> str:
    """Return the estimates and the actual figures of a node."""
    return _estimates(node) + _actual(node)


def storage_figures(node: Node) -> str:
    """Return them as storage's lines have them."""
    return _estimates(node, loops=" loops=1") + _actual(node).replace("  (", " (")


def _estimates(node: Node, loops: str = "") -> str:
    if "Total Cost" not in node:
        return ""
    costs = f"cost={node['Startup Cost']}..{node['Total Cost']}"
    return f"  ({costs} rows={node['Plan Rows']} width={node['Plan Width']}{loops})"


def _actual(node: Node) -> str:
    if "Actual Loops" not in node:
        return ""
    if not node["Actual Loops"]:
        return " (never executed)"
    times = ""
    if "Actual Total Time" in node:
        times = f"time={node['Actual Startup Time']}..{node['Actual Total Time']} "
    return f" (actual {times}rows={node['Actual Rows']} loops={node['Actual Loops']})"
