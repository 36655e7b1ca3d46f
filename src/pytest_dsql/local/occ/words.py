"""The engine's words and numbers, each in one place."""

import re
from enum import StrEnum
from typing import Final


class Op(StrEnum):
    """What becomes of an overlay's row at COMMIT; docs/engine.md has the matrix."""

    INSERTED = "I"
    UPDATED = "U"
    KEY_UPDATED = "K"  # and with it a key of a partial or expression index
    REPLACED = "R"  # a key changed, or deleted and inserted again
    DELETED = "D"
    LOCKED = "X"  # read FOR UPDATE
    SHARED = "S"  # read FOR KEY SHARE
    NOTHING = "N"  # inserted and deleted again


class Side(StrEnum):
    """What a foreign key has to look at again when the statement or the transaction ends, in `occ.pending`."""

    CHILD = "c"  # a child came, its parent is looked for
    PARENT = "p"  # a parent went, its children are looked for
    ON_DELETE = "d"  # the action for the children of a row that went
    ON_UPDATE = "u"  # and for those of one whose key is another now
    MIXED = "f"  # never put off: NULL beside other values, where MATCH is FULL


def any_of(*ops: Op) -> str:
    """Return a list for SQL's IN."""
    listed = ", ".join(f"'{op}'" for op in ops)
    return f"({listed})"


CHANGED: Final = any_of(Op.UPDATED, Op.KEY_UPDATED)
GONE: Final = any_of(Op.DELETED, Op.NOTHING)
HELD: Final = any_of(Op.LOCKED, Op.SHARED)
LEAVES: Final = any_of(Op.DELETED, Op.REPLACED, Op.LOCKED)
"""The committed row is deleted."""
COMES: Final = any_of(Op.INSERTED, Op.REPLACED, Op.LOCKED)
"""The overlay's row is inserted."""

LOCK: Final = int.from_bytes(b"occ\0")
"""The advisory lock of COMMITs."""
ROW_LIMIT: Final = 3000
SIZE_LIMIT: Final = 10 * 2**20
VALUE_LIMIT: Final = 2**20
ROW_SIZE_LIMIT: Final = 2 * 2**20
KEY_LIMIT: Final = 1981
"""One column's; each further column takes `KEY_COLUMN` from it."""
KEY_COLUMN: Final = 8

CONFLICT: Final = "change conflicts with another transaction (OC000)"

ROLE: Final = "pg_occ_engine"
STATE_SETTING: Final = "occ.state"
ROW_LIMIT_SETTING: Final = "occ.row_limit"
SIZE_LIMIT_SETTING: Final = "occ.size_limit"
AS_COMMITTED_SETTING: Final = "occ.as_committed"
"""Whether plans are made of the tables as they are committed, without what a transaction has written: to be shown."""

MINE: Final = "o.occ_xid = pg_current_xact_id_if_assigned()"
"""Rows of my transaction in an overlay called `o`."""

_STATIC: Final[dict[str, object]] = {
    "LOCK": LOCK,
    "ROW_LIMIT": ROW_LIMIT,
    "SIZE_LIMIT": SIZE_LIMIT,
    "VALUE_LIMIT": VALUE_LIMIT,
    "ROW_SIZE_LIMIT": ROW_SIZE_LIMIT,
    "KEY_LIMIT": KEY_LIMIT,
    "KEY_COLUMN": KEY_COLUMN,
    "CONFLICT": CONFLICT,
    "ROLE": ROLE,
    "ROW_LIMIT_SETTING": ROW_LIMIT_SETTING,
    "SIZE_LIMIT_SETTING": SIZE_LIMIT_SETTING,
    **{op.name: op for op in Op},
    **{side.name: side for side in Side},
}


def spelt(sql: str) -> str:
    """Put words and numbers in place of the `@NAME@` of static SQL; an unknown one is a KeyError."""
    return re.sub(r"@([A-Z_]+)@", lambda found: str(_STATIC[found[1]]), sql)


def op(symbol: str) -> str:
    """Return an operator that no search path changes."""
    return f"OPERATOR(pg_catalog.{symbol})"
