"""From PostgreSQL's answer to the client's: the plan in the service's words, in the format that was asked for."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from pytest_dsql.local.dialect import Catalog, Explanation, facts
from pytest_dsql.local.explain import details, structured, text
from pytest_dsql.local.explain.figures import Node, with_figures
from pytest_dsql.local.explain.storage import in_storage

_TEXT, _JSON, _XML = 25, 114, 142
_TYPES: Final = {"json": _JSON, "xml": _XML}
_LAYOUTS: Final[Mapping[str, structured.Writer]] = {
    "json": structured.as_json,
    "xml": structured.as_xml,
    "yaml": structured.as_yaml,
}
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def column_type(explanation: Explanation) -> int:
    """Return the number of the type that the answer's one column has."""
    return _TYPES.get(explanation.layout, _TEXT)


def shown(explanation: Explanation, plan: str, run: str | None, catalog: Catalog) -> list[str]:
    """Return the rows of the answer to EXPLAIN; ``run`` is the plan of what the engine ran for it."""
    found = _read(plan)
    if run is not None:
        found = with_figures(found, _read(run))
    schemas = {shadow: schema for schema, shadow in catalog.shadows.items()}
    tree = in_storage(details.own_hidden(found["Plan"], schemas), catalog)
    if not explanation.verbose:
        tree = details.terse(tree)
    told = {key: value for key, value in found.items() if key != "Plan"}
    return _LAYOUTS.get(explanation.layout, text.lines)({"Plan": tree, **_told(told, explanation)})


def _read(answer: str) -> Node:
    plan: Node = json.loads(answer, parse_float=Decimal)[0]
    return plan


def _told(totals: Node, explanation: Explanation) -> dict[str, Any]:
    """Return what is told of the whole statement; what it costs in DPUs is not known here."""
    if not (explanation.verbose and explanation.analyze):
        return totals
    estimate = dict.fromkeys(facts.DPU_UNITS, facts.DPU_NOT_KNOWN)
    return {"Query Identifier": identifier(explanation.query), **totals, "Statement DPU Estimate": estimate}


def identifier(query: str) -> str:
    """Return what a statement is known by: the same for the same text."""
    number, digits = int.from_bytes(hashlib.sha256(" ".join(query.split()).encode()).digest()), ""
    for _ in range(facts.QUERY_IDENTIFIER_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits += _DIGITS[digit]
    return digits
