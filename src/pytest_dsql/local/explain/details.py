"""What a plan tells of names: all of them with VERBOSE, fewer without it, and never those of the stand-in's own."""

import re
from collections.abc import Mapping
from typing import Any, Final

from pytest_dsql.local.explain.figures import ACTUAL, Node, nodes
from pytest_dsql.local.explain.names import unqualified
from pytest_dsql.local.explain.storage import is_storage

_CONDITIONS: Final = frozenset({"Filter", "Index Cond", "Recheck Cond", "Order By", "TID Cond"})
_VERBOSE: Final = frozenset({"Output", "Schema", "Function Call", "Table Function Call"})
_OWN_SCHEMA: Final = re.compile(r"occ|occ_shown|pg_occ_.*")
_OWN: Final = re.compile(r"\bpg_occ_|\bocc\.|\bocc_(?:shown|xid|op|head|ref|mine)\b|NULL::xid8")
_FIGURES: Final = ("Startup Cost", "Total Cost", "Plan Rows", "Plan Width", *ACTUAL)
_KEPT: Final = frozenset({"Parent Relationship", "Subplan Name", "Parallel Aware", "Async Capable", *_FIGURES})


def own_hidden(node: Node, schemas: Mapping[str, str]) -> Node:
    """Return a plan without what the stand-in keeps for itself: where the service's own views lead is not known.

    ``schemas`` are those whose tables the views of a schema of the stand-in's stand for.
    """
    below = [own_hidden(child, schemas) for child in node.get("Plans", ())]
    if node.get("Schema") in schemas:
        node = {**node, "Schema": schemas[node["Schema"]]}
    if _OWN_SCHEMA.fullmatch(node.get("Schema", "")):
        return {"Node Type": "Result", **{key: value for key, value in node.items() if key in _KEPT}}
    told = {key: _told(value) for key, value in node.items() if key != "Plans"}
    shown = {key: value for key, value in told.items() if value is not None}
    return {**shown, "Plans": below} if below else shown


def _told(value: Any) -> Any:
    if isinstance(value, str):
        return None if _OWN.search(value) else value
    if isinstance(value, list) and value:
        return [item for item in value if not (isinstance(item, str) and _OWN.search(item))] or None
    return value


def terse(plan: Node) -> Node:
    """Return a plan as it is without VERBOSE: a condition of a scan has its own columns bare.

    Elsewhere a column bears its relation's name where there are several relations.
    """
    aliases = {node["Alias"] for node in nodes(plan) if "Alias" in node}
    return _terse(plan, aliases.pop() if len(aliases) == 1 else None)


def _terse(node: Node, only: str | None, above: str | None = None) -> Node:
    own = node.get("Alias", above)
    below = [_terse(child, only, own if is_storage(child) else None) for child in node.get("Plans", ())]
    shown = {
        key: _unqualified(value, own if own and key in _CONDITIONS else only)
        for key, value in node.items()
        if key != "Plans" and key not in _VERBOSE
    }
    return {**shown, "Plans": below} if below else shown


def _unqualified(value: Any, alias: str | None) -> Any:
    if alias and isinstance(value, list):
        return [_unqualified(item, alias) for item in value]
    if isinstance(value, dict):
        return {key: _unqualified(item, alias) for key, item in value.items()}
    return unqualified(value, alias) if alias and isinstance(value, str) else value
