"""What a client is told of PostgreSQL's errors: the user's names, not those of the engine behind them."""

import re
from collections.abc import Callable
from typing import Final

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.proxy.rules.transaction import SCHEMA_CONFLICT
from pytest_dsql.local.proxy.wire import Fields

_ENGINE: Final = re.compile(r"\b(occ|pg_occ_\d+\w*)\.")
_READ_ONLY: Final = re.compile(r"^(cannot execute )(?:SELECT|INSERT)( in a read-only transaction)$")
_ROUTINE: Final = re.compile(r"(PL/pgSQL|SQL) function ")
_VIEW: Final = re.compile(r"^(permission denied for|must be owner of) view\b")
_QUERY_CANCELED: Final = "57014"
_CONFLICTS: Final = frozenset({"40001", "40P01"})
_CONFLICT_OF_SCHEMA: Final = {
    "S": "ERROR",
    "V": "ERROR",
    "C": SCHEMA_CONFLICT.sqlstate,
    "M": SCHEMA_CONFLICT.message,
}
_DUPLICATE: Final = "23505"
_CANNOT_CAST: Final = "42846"
_INTERNAL: Final = "XX000"
_GONE: Final = ("could not open relation with OID", "cache lookup failed for")
_OF_ROW: Final = re.compile(r'"\d+ row"')
_STALE_PLAN: Final = "RevalidateCachedQuery"
"""The routine by which asyncpg and pgjdbc know that a statement has to be prepared again; they do it by themselves."""
_CONFLICT: Final = re.compile(r"\((OC\d{3})\)$")
_CATALOG_CONFLICT: Final = "tuple concurrently "
# The engine's own columns stand first in the rows of its overlays.
_FAILING_ROW: Final = re.compile(r"^(Failing row contains \()-?\d+, \w, \w, (?:null|\([^)]*\)), ")


def _is_schema_conflict(fields: Fields, verb: str) -> bool:
    """Whether two schema changes made one thing at once, or a statement met what was dropped or changed under it."""
    code = fields.get("C")
    at_once = code == _DUPLICATE and fields.get("s") == "pg_catalog"
    gone = code == _INTERNAL and fields.get("M", "").startswith(_GONE)
    uncast = code == _CANNOT_CAST and bool(_OF_ROW.search(fields.get("W", "")))
    return at_once or gone or uncast or _meets_another_table(fields, verb)


def _meets_another_table(fields: Fields, verb: str) -> bool:
    """Whether an upsert, sent as another statement, proposes rows of a table that has other columns by now."""
    columns = fields.get("D", "").startswith("Input has too ")
    return verb == "INSERT" and columns and fields.get("C") == _CANNOT_CAST


def _is_conflict(fields: Fields) -> bool:
    """Whether PostgreSQL itself speaks of a conflict: at a row, or of two schema changes at a row of its catalog."""
    text = fields.get("M", "")
    return (fields.get("C") in _CONFLICTS and "(OC00" not in text) or text.startswith(_CATALOG_CONFLICT)


def conflict(fields: Fields) -> str:
    """Return by which name the service knows a conflict, OC000 or OC001; "" where the error is none."""
    named = _CONFLICT.search(fields.get("M", "")) if fields.get("C") == facts.DATA_CONFLICT.sqlstate else None
    return named.group(1) if named else ""


def _told(fields: Fields) -> Fields:
    """Return the fields that a client gets, and a conflict in the service's words."""
    kept = {key: value for key, value in fields.items() if value and key not in "FLRqp"}
    if fields.get("R") == _STALE_PLAN:
        kept["R"] = _STALE_PLAN
    if _is_conflict(fields):
        # Two commits at the same instant can meet in PostgreSQL itself.
        kept |= {"C": facts.DATA_CONFLICT.sqlstate, "M": facts.DATA_CONFLICT.message}
        kept.pop("D", None)
    return kept


def shown(fields: Fields, position: Callable[[int], int] | None, verb: str = "", *, cancelled: bool) -> Fields:
    """Return the fields for the client.

    ``position`` says where a character of the text that was sent stood in the client's own, None where it has no
    place there; ``verb`` what the statement is, where it was sent as another. ``cancelled`` says that a statement was
    ended to let a schema change pass.
    """
    if (cancelled and fields.get("C") == _QUERY_CANCELED) or _is_schema_conflict(fields, verb):
        return _CONFLICT_OF_SCHEMA.copy()
    kept = _told(fields)
    if verb:
        kept["M"] = _READ_ONLY.sub(rf"\1{verb}\2", kept.get("M", ""))
    if "D" in kept:
        kept["D"] = _FAILING_ROW.sub(r"\1", kept["D"])
    kept["M"] = _ENGINE.sub("", _VIEW.sub(r"\1 table", kept.get("M", "")))
    if "W" in kept:
        told = [line for line in kept.pop("W").splitlines() if _ROUTINE.match(line) and not _ENGINE.search(line)]
        kept |= {"W": "\n".join(told)} if told else {}
    if kept.get("s", "").startswith("pg_occ_"):
        del kept["s"]
    sent = kept.pop("P", None)
    at = position(int(sent)) if position and sent else 0
    return {**kept, "P": str(at)} if at > 0 else kept
