"""The state of a transaction: one setting, local to it. Nothing else knows its form.

    <rows changed>[!]|<table>|<table>|=<key>==<key>=

The ! says that something other than plain updates awaits COMMIT. Keys are there for a transaction that has updated up
to four rows of one table, once each, and nothing else: the quick way, for which each expression counts, as PostgreSQL
prepares it anew in each transaction.
"""

from typing import Final

from pytest_dsql.local.occ.words import ROW_LIMIT_SETTING, STATE_SETTING, op

QUICK_ROWS: Final = 4
"""Rows that are told from each other by their keys in the state."""

_NOW: Final = f"pg_catalog.current_setting('{STATE_SETTING}')"
_NOW_OR_NULL: Final = f"pg_catalog.current_setting('{STATE_SETTING}', true)"
_ROWS: Final = "split_part(occ_state, '|', 1)"
_ROWS_OF_ANY: Final = f"rtrim({_ROWS}, '!')"
_REST: Final = "substr(occ_state, strpos(occ_state, '|'))"

IS_FIRST_ROW: Final = f"pg_catalog.ascii({_NOW}) {op('=')} {ord('1')}"
"""After `quick`: whether it counted the transaction's first row."""
QUICK_COUNT: Final = f"(pg_catalog.ascii({_NOW}) {op('-')} {ord('0')})"
"""Where `IS_QUICK`: how many rows the transaction has changed."""
IS_QUICK: Final = f"{_NOW_OR_NULL} {op('~~')} '_|$oid|=%'"
"""Whether the transaction has come the quick way alone, and in this table."""


def begin() -> str:
    """Before a write: `occ_state` becomes the state without keys, `occ_head` whether the table is new to it."""
    return f"""
    occ_state := split_part(current_setting('{STATE_SETTING}', true), '=', 1);
    occ_head := coalesce(strpos(occ_state, '|$oid|'), 0) = 0;
    IF occ_head THEN
        occ_state := coalesce(nullif(occ_state, ''), '0|') || '$oid|';
    END IF;"""


def count(*, plain: bool) -> str:
    """After a write: one row more, and unless it is a plain update the mark that there is more to do."""
    marked = f"({_ROWS_OF_ANY}::int + 1)::text || '!'"
    kept = f"""CASE WHEN strpos(occ_state, '!') = 0 THEN ({_ROWS}::int + 1)::text
             ELSE {marked} END"""
    return f"""
    IF {_ROWS_OF_ANY}::int >= current_setting('{ROW_LIMIT_SETTING}')::int THEN
        PERFORM occ.raise_row_limit();
    END IF;
    occ_state := set_config('{STATE_SETTING}',
        {kept if plain else marked}
        || {_REST}, true);"""


def note() -> str:
    """Mark without counting, for locks and for a row that was counted before."""
    return f"""
    IF strpos(occ_state, '!') = 0 OR occ_head THEN
        occ_state := set_config('{STATE_SETTING}', {_ROWS_OF_ANY} || '!' || {_REST}, true);
    END IF;"""


def quick() -> str:
    """Count a plain update of a row that is new to the transaction: a condition that is false where it is not that.

    A key that the state does not hold is not in the overlay, so no look-up is needed. It runs in the session's search
    path, so every name and operator is qualified.
    """
    key = f"'=' {op('||')} $key_text {op('||')} '='"
    first = f"'1|$oid|=' {op('||')} $key_text {op('||')} '='"
    return f"""(CASE WHEN NOT ($nothing_else_changes) THEN false
            WHEN COALESCE({_NOW_OR_NULL}, '') {op("=")} ''
            THEN pg_catalog.set_config('{STATE_SETTING}', {first}, true) IS NOT NULL
            WHEN {_NOW} {op("~~")} '_|$oid|=%'
             AND pg_catalog.ascii({_NOW}) {op("<")} {ord("0") + QUICK_ROWS}
             AND pg_catalog.strpos({_NOW}, {key}) {op("=")} 0
             AND pg_catalog.current_setting('{ROW_LIMIT_SETTING}')::pg_catalog.int4 {op(">=")} {QUICK_ROWS}
            THEN pg_catalog.set_config('{STATE_SETTING}', pg_catalog.chr(pg_catalog.ascii({_NOW}) {op("+")} 1)
                     {op("||")} pg_catalog.substr({_NOW}, 2) {op("||")} {key}, true) IS NOT NULL END)"""


def read() -> str:
    """At COMMIT: `occ_state` without keys, and `occ_rows`, how many plain updates there are, -1 where there is more."""
    return f"""
    occ_state := split_part(coalesce(current_setting('{STATE_SETTING}', true), ''), '=', 1);
    occ_rows := CASE WHEN occ_state = '' OR strpos(occ_state, '!') > 0 THEN -1 ELSE {_ROWS}::int END;"""


IS_PLAIN: Final = "occ_state = occ_rows::text || '|$oid|'"
"""After `read`: whether the transaction has only updated rows of this table."""
MAY_BE_LARGE: Final = f"occ_rows NOT BETWEEN 0 AND {QUICK_ROWS}"
"""After `read`: whether the transaction has to be measured."""
