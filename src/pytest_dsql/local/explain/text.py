"""A plan as text: PostgreSQL's lines (src/backend/commands/explain.c, version 16), and those of storage between them.

The service's own lines begin with `-> ` at the depth of what is above them, have costs and rows but no times, and are
followed by what is theirs four columns further in (live plans of 2026-10).
"""

from collections.abc import Iterator
from typing import Any, Final

from pytest_dsql.local.explain import headings, properties
from pytest_dsql.local.explain.figures import Node
from pytest_dsql.local.explain.storage import is_storage

_OWN_MARGIN: Final = "    "


def lines(plan: Node) -> list[str]:
    """Return the rows of EXPLAIN (FORMAT TEXT)."""
    return [*_node(plan["Plan"], ""), *_totals(plan)]


def _node(node: Node, indent: str, arrow: str = "") -> Iterator[str]:
    """Write a node and all below it; ``indent`` is where its arrow stands."""
    if "Subplan Name" in node:
        yield f"{indent}{node['Subplan Name']}"
        indent += "  "
        arrow = "->  "
    verbose = headings.is_verbose(node)
    yield f"{indent}{arrow}{headings.title(node)}{headings.figures(node)}"
    inner = indent + ("      " if arrow else "  ")
    yield from (f"{inner}{line}" for line in properties.lines(node, verbose=verbose))
    for child in node.get("Plans", ()):
        if is_storage(child):
            yield from _storage(child, inner)
        else:
            yield from _node(child, inner, "->  ")


def _storage(node: Node, indent: str) -> Iterator[str]:
    yield f"{indent}-> {headings.title(node)}{headings.storage_figures(node)}"
    inner = indent + _OWN_MARGIN
    yield from (f"{inner}{line}" for line in properties.lines(node, verbose=False))
    for child in node.get("Plans", ()):
        yield from _storage(child, inner)


def _totals(plan: Node) -> Iterator[str]:
    if "Query Identifier" in plan:
        yield f"Query Identifier: {plan['Query Identifier']}"
    for key in ("Planning Time", "Execution Time"):
        if key in plan:
            yield f"{key}: {plan[key]:.3f} ms"
    estimate: dict[str, Any] | None = plan.get("Statement DPU Estimate")
    if estimate:
        yield "Statement DPU Estimate:"
        yield from (f"  {unit}: {value} DPU" for unit, value in estimate.items())
