"""FOR UPDATE and FOR KEY SHARE: marks in the overlay, no locks.

`mark_<oid>(row, letter)` is the engine's own entry, `for_update(row)` and `for_key_share(row)` are the users';
`hold_<oid>(key, letter)` finds the row first. All return NULL, so that a call can stand in a select list.
"""

# ruff: noqa: S608  # what it puts together is its own

from collections.abc import Iterator
from typing import Final

from pytest_dsql.local.occ import state
from pytest_dsql.local.occ.generated import parts
from pytest_dsql.local.occ.template import GeneratedFunction, Template, deeper
from pytest_dsql.local.occ.words import MINE, Op, any_of

_CAN_BE_LOCKED: Final = any_of(Op.SHARED, Op.UPDATED, Op.KEY_UPDATED)
_DECLARE: Final = parts.declare()


def templates() -> Iterator[Template]:
    """Return all functions that take rows of the view or their keys."""
    head = '$private.{name}_$oid(occ_row $view, occ_mark "char") RETURNS int'
    for keyed, mark in ((True, _mark_of_key()), (False, _mark_of_image())):
        yield GeneratedFunction(
            "mark", f"{_DECLARE}{state.begin()}{mark}\n    RETURN NULL;\nEND", {"keyed": keyed}, head
        )
    yield GeneratedFunction("hold", _HOLD, {"keyed": True}, '$private.{name}_$oid(text[], "char") RETURNS int')
    yield GeneratedFunction("refuse", _REFUSE, head="$shadow.{name}(r $view) RETURNS boolean")
    yield GeneratedFunction("for_update", _entry(Op.LOCKED), head="$shadow.{name}(r $view) RETURNS int")
    yield GeneratedFunction("for_key_share", _entry(Op.SHARED), head="$shadow.{name}(r $view) RETURNS int")


def _mark_of_key() -> str:
    return f"""{parts.find("$overlay_is_row")}
    IF occ_spot IS NULL THEN
        {parts.INSERT} VALUES (pg_current_xact_id(), occ_mark, occ_head, $row_values);{deeper(state.note())}
    ELSIF occ_mark = '{Op.LOCKED}' AND occ_was IN {_CAN_BE_LOCKED} THEN
        UPDATE $overlay SET occ_op = {_locked("occ_was")} WHERE ctid = occ_spot;{deeper(state.note())}
    END IF;"""


def _mark_of_image() -> str:
    return f"""{parts.take("row")}
    IF occ_spot IS NOT NULL THEN
        INSERT INTO $overlay (occ_xid, occ_op, occ_head, occ_ref, $written)
        VALUES (pg_current_xact_id(), occ_mark, occ_head, occ_spot, $row_values);{deeper(state.note())}
    ELSIF occ_mark = '{Op.LOCKED}' THEN
        UPDATE $overlay o SET occ_op = {_locked("o.occ_op")}
         WHERE o.ctid = (SELECT o.ctid FROM $overlay o
                          WHERE {MINE} AND o.occ_op IN {_CAN_BE_LOCKED} AND $overlay_looks_row
                          LIMIT 1);{deeper(state.note())}
    END IF;"""


def _locked(was: str) -> str:
    return f"CASE {was} WHEN '{Op.SHARED}' THEN '{Op.LOCKED}'::\"char\" ELSE '{Op.REPLACED}' END"


_HOLD: Final = """
BEGIN
    PERFORM $private.mark_$oid(v.*, $2) FROM $view v WHERE $view_is_key;
    RETURN NULL;
END"""

# For a row that has to be refused, also where another of its key is in the way.
_REFUSE: Final = f"""
BEGIN
    {parts.INSERT} VALUES ('0', '{Op.INSERTED}', false, $proposed_values);
    RETURN NULL;
END"""


def _entry(mark: Op) -> str:
    return f"""
BEGIN
    IF NOT has_any_column_privilege(session_user, $oid::oid, 'UPDATE') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = $permission_denied;
    END IF;
    RETURN $private.mark_$oid(r, '{mark}');
END"""
