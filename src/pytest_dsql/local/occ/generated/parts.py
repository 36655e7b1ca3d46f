"""What a write does to the overlay, in parts of PL/pgSQL that the triggers are made of.

`occ_spot` becomes the place of a row in the overlay (in a table without a primary key also of one in the table),
`occ_was` its letter, and `occ_same` whether it is still as this command has read it.
"""

# ruff: noqa: S608  # what it puts together is its own

from typing import Final

from pytest_dsql.local.occ import state
from pytest_dsql.local.occ.template import deeper
from pytest_dsql.local.occ.words import GONE, HELD, MINE, Op, any_of

INSERT: Final = "INSERT INTO $overlay (occ_xid, occ_op, occ_head, $written)"
_INSERT: Final = "INSERT INTO $overlay AS o (occ_xid, occ_op, occ_head, $written)"
_INSERT_OF: Final = "INSERT INTO $overlay AS o (occ_xid, occ_op, occ_head, occ_ref, $written)"

CHECK_ROW: Final = f"{INSERT} VALUES ('0', '{Op.INSERTED}', false, $new_values);"
"""A row in the overlay of no transaction has PostgreSQL itself look at it."""
RAISE_DUPLICATE: Final = "PERFORM occ.raise_duplicate($key_index, ARRAY[$new_key_texts]);"

_ERASED: Final = f"CASE occ_was WHEN '{Op.INSERTED}' THEN '{Op.NOTHING}'::\"char\" ELSE '{Op.DELETED}' END"
_PLACED: Final = f"CASE occ_was WHEN '{Op.DELETED}' THEN '{Op.REPLACED}'::\"char\" ELSE '{Op.INSERTED}' END"
_CHANGED: Final = (
    f"CASE occ_was WHEN '{Op.LOCKED}' THEN '{Op.REPLACED}' WHEN '{Op.SHARED}' THEN '{Op.UPDATED}' ELSE occ_was END"
)
_CHANGED_KEY: Final = f"""CASE WHEN occ_was IN {any_of(Op.INSERTED, Op.REPLACED)} THEN occ_was
                            WHEN occ_was = '{Op.LOCKED}' THEN '{Op.REPLACED}'
                            WHEN occ_was = '{Op.KEY_UPDATED}' AND occ_op_ = '{Op.UPDATED}' THEN '{Op.KEY_UPDATED}'
                            ELSE occ_op_ END"""


def find(row_is: str, same: str = "true") -> str:
    """Look a row up in my overlay."""
    return f"""
    occ_spot := NULL;
    IF NOT occ_head THEN
        SELECT o.ctid, o.occ_op, {same} INTO occ_spot, occ_was, occ_same
          FROM $overlay o WHERE {MINE} AND {row_is};
    END IF;"""


def take(variable: str) -> str:
    """Look for a committed row of a table without a primary key that looks like `variable` and is not in my overlay.

    Rows mostly come in the order of the table, so the search begins behind the one found last.
    """
    search = f"""SELECT b.ctid INTO occ_spot FROM $base b
         WHERE $base_looks_{variable} AND NOT EXISTS (SELECT FROM $overlay o WHERE {MINE} AND o.occ_ref = b.ctid)"""
    return f"""
    occ_last := current_setting('occ.last', true);
    IF occ_last <> '' THEN
        {search} AND b.ctid > occ_last::tid LIMIT 1;
    END IF;
    IF coalesce(occ_last, '') = '' OR NOT FOUND THEN
        {search} LIMIT 1;
    END IF;
    IF FOUND THEN
        occ_last := set_config('occ.last', occ_spot::text, true);
    END IF;"""


def erase(*, keyed: bool) -> str:
    """Have a row go. One which this same command changed already is not there any more for it, as in PostgreSQL."""
    count = state.count(plain=False)
    erased = f"""
        UPDATE $overlay SET occ_op = {_ERASED} WHERE ctid = occ_spot;
        IF occ_was IN {HELD} THEN{deeper(count, 2)}
        ELSE{deeper(state.note(), 2)}
        END IF;
    END IF;"""
    return _touch(f"'{Op.DELETED}'", "$old_values)", count, erased, keyed=keyed)


def _touch(op: str, values: str, count: str, again: str, *, keyed: bool) -> str:
    """Write a row of the table's own with a letter, or do ``again`` with one that the transaction has written."""
    if keyed:
        return f"""{find("$overlay_is_old", "$overlay_looks_old")}
    IF occ_spot IS NULL THEN
        {_INSERT}
        VALUES (pg_current_xact_id(), {op}, occ_head, {values};{deeper(count)}
    ELSE
        IF occ_was IN {GONE} OR NOT occ_same THEN
            RETURN NULL;
        END IF;{again}"""
    return f"""{take("old")}
    IF occ_spot IS NOT NULL THEN
        {_INSERT_OF}
        VALUES (pg_current_xact_id(), {op}, occ_head, occ_spot, {values};{deeper(count)}
    ELSE{_take_mine()}{again}"""


def _take_mine() -> str:
    return f"""
        SELECT o.ctid, o.occ_op INTO occ_spot, occ_was FROM $overlay o
         WHERE {MINE} AND o.occ_op NOT IN {GONE} AND $overlay_looks_old LIMIT 1;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;"""


def place(*, keyed: bool, counted: bool = True) -> str:
    """Have a row come. Of a duplicate is told after what the row's own constraints say."""
    count = state.count(plain=False) if counted else state.note()
    if not keyed:
        return f"""
    {_INSERT}
    VALUES (pg_current_xact_id(), '{Op.INSERTED}', occ_head, $new_values)$returning;{count}"""
    return f"""{find("$overlay_is_new")}
    IF occ_spot IS NULL THEN
        {_INSERT}
        SELECT pg_current_xact_id(), '{Op.INSERTED}', occ_head, $new_values
         WHERE NOT EXISTS (SELECT FROM $base b WHERE $base_is_new)$returning;
        IF NOT FOUND THEN
            {CHECK_ROW}
            {RAISE_DUPLICATE}
        END IF;{deeper(count)}
    ELSE
        IF occ_was NOT IN {GONE} THEN
            {CHECK_ROW}
            {RAISE_DUPLICATE}
        END IF;
        UPDATE $overlay o SET $set_new, occ_op = {_PLACED}
         WHERE o.ctid = occ_spot$returning;{deeper(state.note())}
    END IF;"""


def change(*, keyed: bool, indexed: bool) -> str:
    """Change a row whose primary key stays. Where the table has other keys, `occ_op_` is the letter for it."""
    op = "occ_op_" if indexed else f"'{Op.UPDATED}'"
    count = state.count(plain=True)
    if indexed:
        other = deeper(state.count(plain=False))
        count = f"\n    IF occ_op_ = '{Op.UPDATED}' THEN{deeper(count)}\n    ELSE{other}\n    END IF;"
    # A row that was changed plainly before may now have another key.
    noted = f"\n        ELSIF occ_op_ <> '{Op.UPDATED}' THEN{deeper(state.note(), 2)}" if indexed else ""
    changed = f"""
        UPDATE $overlay o SET $set_new, occ_op = {_CHANGED_KEY if indexed else _CHANGED}
         WHERE o.ctid = occ_spot$returning;
        IF occ_was IN {HELD} THEN{deeper(state.count(plain=False), 2)}{noted}
        END IF;
    END IF;"""
    return _touch(op, "$new_values)$returning", count, changed, keyed=keyed)


def declare(*more: str) -> str:
    """Return the variables that the parts use, and ``more``."""
    found = ("occ_spot tid", 'occ_was "char"', "occ_same boolean")
    variables = ("occ_state text", "occ_head boolean", *found, *more, "occ_last text")
    return "\n#variable_conflict use_column\nDECLARE" + "".join(f"\n    {each};" for each in variables) + "\nBEGIN"
