"""The figures of a run, put into the plan of what it ran: its root's, what it wrote from, and those of its scans."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

Node = dict[str, Any]

ACTUAL: Final = ("Actual Startup Time", "Actual Total Time", "Actual Rows", "Actual Loops")
_REMOVED: Final = "Rows Removed by Filter"
_TOTALS: Final = ("Planning Time", "Triggers", "Execution Time")


def nodes(node: Node) -> Iterator[Node]:
    """Yield a node and all below it."""
    yield node
    for below in node.get("Plans", ()):
        yield from nodes(below)


def with_figures(plan: Node, run: Node) -> Node:
    """Give a plan the figures of its statement's run by the engine, whose own plan is another."""
    shape, ran = plan["Plan"], run["Plan"]
    _copy(ran, shape)
    if _returns_nothing(shape):
        shape["Actual Rows"] = 0
    scans = defaultdict(list)
    for node in nodes(ran):
        scans[node.get("Schema"), node.get("Relation Name")].append(node)
    for node in list(nodes(shape))[1:]:
        found = scans[node.get("Schema"), node.get("Relation Name")]
        if "Relation Name" in node and found:
            _copy(found.pop(0), node)
    if "Plans" in shape and "Plans" in ran and shape["Node Type"] == "ModifyTable":
        _copy(ran["Plans"][0], shape["Plans"][0])
    totals: Node = {key: run[key] for key in _TOTALS if key in run}
    return {**plan, **totals, "Triggers": []}


def _returns_nothing(node: Node) -> bool:
    """Whether a node is a change of a table without RETURNING."""
    return node["Node Type"] == "ModifyTable" and "Output" not in node


def _copy(figures: Node, node: Node) -> None:
    """Put figures where PostgreSQL has them: behind the estimates, and behind the condition."""
    if _REMOVED in figures and "Filter" in node:
        node[_REMOVED] = figures[_REMOVED]
    node.update({key: figures[key] for key in ACTUAL if key in figures})
