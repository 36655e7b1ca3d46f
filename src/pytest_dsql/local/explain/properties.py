"""The lines under a node's first one: what it puts out, its conditions and keys, and what its run took."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pytest_dsql.local.explain.figures import Node

_TOLD_ABOVE: Final = frozenset(
    """Node Type|Strategy|Partial Mode|Operation|Parent Relationship|Subplan Name|Parallel Aware|Async Capable
    |Scan Direction|Index Name|Join Type|Relation Name|Function Name|Table Function Name|CTE Name|Tuplestore Name
    |Schema|Alias|Startup Cost|Total Cost|Plan Rows|Plan Width|Actual Startup Time|Actual Total Time|Actual Rows
    |Actual Loops|Command|Plans|Workers|Single Copy""".replace("\n    ", "").split("|")
)
_VERBOSE: Final = frozenset({"Inner Unique"})
_WHERE_ANY: Final = ("Rows Removed by ", "Subplans Removed")


def lines(node: Node, *, verbose: bool) -> Iterator[str]:
    """Yield the lines of a node in PostgreSQL's order."""
    told: set[str] = set()
    for key, value in node.items():
        if key in _TOLD_ABOVE | told or (key in _VERBOSE and not (verbose and value)):
            continue
        if key in _TOGETHER:
            keys, write = _TOGETHER[key]
            told.update(keys)
            yield from filter(None, [write(node)])
        elif key == "Grouping Sets":
            for group in value:
                yield from _grouping_set(group)
        elif value or not key.startswith(_WHERE_ANY):
            yield f"{key}: {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _grouping_set(group: Node) -> Iterator[str]:
    indent = ""
    if "Sort Key" in group:
        yield f"Sort Key: {_value(group['Sort Key'])}"
        indent = "  "
    for label in ("Hash Key", "Group Key"):
        for keys in group.get(f"{label}s", ()):
            yield f"{indent}{label}: {_value(keys) or '()'}"


def _sort(node: Node) -> str:
    return f"Sort Method: {node['Sort Method']}  {node['Sort Space Type']}: {node['Sort Space Used']}kB"


def _hash(node: Node) -> str:
    parts = []
    for label, key in (("Buckets", "Hash Buckets"), ("Batches", "Hash Batches")):
        original = node[f"Original {key}"]
        changed = f" (originally {original})" if original != node[key] else ""
        parts.append(f"{label}: {node[key]}{changed}")
    return "  ".join([*parts, f"Memory Usage: {node['Peak Memory Usage']}kB"])


def _hash_aggregate(node: Node) -> str:
    planned, batches = node.get("Planned Partitions"), node.get("HashAgg Batches")
    parts = [f"Planned Partitions: {planned}"] if planned else []
    if batches is not None:
        parts += [f"Batches: {batches}", f"Memory Usage: {node['Peak Memory Usage']}kB"]
    if batches and batches > 1:
        parts.append(f"Disk Usage: {node['Disk Usage']}kB")
    return "  ".join(parts)


def _memoize(node: Node) -> str:
    counts = (f"{word}: {node[f'Cache {word}']}" for word in ("Hits", "Misses", "Evictions", "Overflows"))
    return "  ".join([*counts, f"Memory Usage: {node['Peak Memory Usage']}kB"])


def _groups(label: str) -> Callable[[Node], str]:
    def write(node: Node) -> str:
        group = node[label]
        parts = [f"{label}: {group['Group Count']}", _methods(group["Sort Methods Used"])]
        for kind in ("Memory", "Disk"):
            space = group.get(f"Sort Space {kind}")
            if space:
                parts.append(f"Average {kind}: {space['Average Sort Space Used']}kB")
                parts.append(f"Peak {kind}: {space['Peak Sort Space Used']}kB")
        return "  ".join(parts)

    return write


def _methods(methods: list[str]) -> str:
    return f"Sort Method{'s' if len(methods) > 1 else ''}: {', '.join(methods)}"


_TOGETHER: Final[Mapping[str, tuple[tuple[str, ...], Callable[[Node], str]]]] = {
    "Sort Method": (("Sort Space Used", "Sort Space Type"), _sort),
    "Hash Buckets": (
        ("Original Hash Buckets", "Hash Batches", "Original Hash Batches", "Peak Memory Usage"),
        _hash,
    ),
    "Planned Partitions": (("HashAgg Batches", "Peak Memory Usage", "Disk Usage"), _hash_aggregate),
    "HashAgg Batches": (("Peak Memory Usage", "Disk Usage"), _hash_aggregate),
    "Cache Hits": (("Cache Misses", "Cache Evictions", "Cache Overflows", "Peak Memory Usage"), _memoize),
    "Full-sort Groups": ((), _groups("Full-sort Groups")),
    "Pre-sorted Groups": ((), _groups("Pre-sorted Groups")),
}
"""What PostgreSQL writes in one line: by the first of the keys, the others and how."""
