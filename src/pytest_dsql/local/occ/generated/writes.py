"""The INSTEAD OF triggers: what INSERT, UPDATE and DELETE on a merged view do.

One function for each verb and table, static SQL alone, so that its plans are cached.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final

from pytest_dsql.local.occ import state
from pytest_dsql.local.occ.generated import parts
from pytest_dsql.local.occ.template import GeneratedFunction, Template, deeper
from pytest_dsql.local.occ.words import Op

_DECLARE: Final = parts.declare('occ_op_ "char"', "occ_key text[]")
_TRIGGER: Final = "$private.{name}_$oid() RETURNS trigger"
_OF_ROWS: Final = "$private.{name}_$oid(old $view, new $view) RETURNS $view"


def templates() -> Iterator[Template]:
    """Return the triggers; `update_row` is what `update` calls where that has a quick way."""
    for keyed in (True, False):
        yield GeneratedFunction("insert", _insert(keyed=keyed), {"keyed": keyed}, _TRIGGER)
        yield GeneratedFunction("delete", _delete(keyed=keyed), {"keyed": keyed}, _TRIGGER)
    for keyed, indexed in product((True, False), repeat=2):
        body, of_table = _update(keyed=keyed, indexed=indexed), {"keyed": keyed, "indexed": indexed}
        yield GeneratedFunction("update", body, {**of_table, "quick": False}, _TRIGGER)
        yield GeneratedFunction("update_row", body, {**of_table, "quick": True}, _OF_ROWS)
    yield GeneratedFunction("update", _quick_update(), {"quick": True}, _TRIGGER, settings="")
    for verb in ("insert", "update", "delete"):
        yield Template(
            f"trigger_{verb}",
            f"CREATE TRIGGER occ_{verb} INSTEAD OF {verb} ON $view FOR EACH ROW"
            f" EXECUTE FUNCTION $private.{verb}_$oid()",
        )


def _insert(*, keyed: bool) -> str:
    return (
        f"{_DECLARE}$sizes$given_insert$unique_insert{state.begin()}{parts.place(keyed=keyed)}$child_insert"
        "\n    RETURN NEW;\nEND"
    )


def _delete(*, keyed: bool) -> str:
    return f"{_DECLARE}{state.begin()}{parts.erase(keyed=keyed)}$parent_delete\n    RETURN OLD;\nEND"


def _update(*, keyed: bool, indexed: bool) -> str:
    letter = f"\n    occ_op_ := CASE $key_letters ELSE '{Op.UPDATED}' END::\"char\";" if indexed else ""
    change = parts.change(keyed=keyed, indexed=indexed)
    if keyed:
        moved = f"{parts.erase(keyed=True)}\n    occ_head := false;{parts.place(keyed=True, counted=False)}"
        change = (
            f"\n    IF ($new_key) IS DISTINCT FROM ($old_key) THEN{deeper(moved)}"
            f"\n    ELSE{deeper(change)}\n    END IF;"
        )
    return (
        f"{_DECLARE}$sizes$given_update$unique_update{letter}{state.begin()}{change}$child_update$parent_update"
        "\n    RETURN NEW;\nEND"
    )


def _quick_update() -> str:
    """Return the first updates of a transaction, in the fewest steps."""
    return f"""
BEGIN
    IF {state.quick()} THEN
        {parts.INSERT}
        VALUES (pg_catalog.pg_current_xact_id(), '{Op.UPDATED}', {state.IS_FIRST_ROW}, $new_values);
        RETURN NEW;
    END IF;
    RETURN $private.update_row_$oid(OLD, NEW);
END"""
