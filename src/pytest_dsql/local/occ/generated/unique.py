"""Unique indexes beyond the primary key's, over merged views."""

# ruff: noqa: S608  # what it puts together is its own

from collections.abc import Iterator
from itertools import product
from typing import Final

from pytest_dsql.local.occ.generated import parts
from pytest_dsql.local.occ.loop import Loop, Verb, differs, listed, literal
from pytest_dsql.local.occ.template import deeper
from pytest_dsql.local.occ.words import Op


def loops() -> Iterator[Loop]:
    """Return what looks for a row's keys, and which letter an update gets that changes them."""
    yield _unique("insert")
    yield _unique("update")
    yield _KEY_LETTERS


def _each_key(pattern: str) -> str:
    keys = "unnest(x.keys) WITH ORDINALITY u (k, n)"
    return f"(SELECT string_agg(format({literal(pattern)}, k, n), ', ' ORDER BY n) FROM {keys})"


_UNIQUE_BLANKS: Final = {
    "same_by_columns": "x.plain AND NOT x.nulls_equal",
    "index": "x.id::text",
    "index_predicate": "coalesce('WHERE ' || x.predicate, '')",
    "new_of_index": listed("x.nums", "NEW.%1$s"),
    "old_of_index": listed("x.nums", "OLD.%1$s"),
    "view_is_new_of_index": listed("x.nums", "v.%1$s = NEW.%1$s", " AND "),
    "index_texts": _each_key("NEW.%1$s::text"),
    "keys_numbered": _each_key("(%1$s) AS k%2$s"),
    "keys_as_texts": _each_key("(%1$s)::text"),
    "keys_are_equal": "(SELECT string_agg(format(CASE WHEN x.nulls_equal THEN 'm.k%1$s IS NOT DISTINCT FROM n.k%1$s'"
    " ELSE 'm.k%1$s = n.k%1$s' END, n), ' AND ' ORDER BY n) FROM generate_series(1, cardinality(x.keys)) n)",
}


def _unique(verb: Verb) -> Loop:
    """Return the look for the row's keys in the merged view.

    An index is asked only where the key is new; the row's own former image never counts.
    """
    return Loop(
        f"unique_{verb}",
        "occ.unique_indexes(rel) x",
        "x.id",
        _UNIQUE_BLANKS,
        tuple(
            ({"same_by_columns": columns, "keyed": keyed}, _unique_text(verb, columns=columns, keyed=keyed))
            for columns, keyed in product((True, False), repeat=2)
        ),
    )


def _unique_text(verb: Verb, *, columns: bool, keyed: bool) -> str:
    found = _before_duplicate(verb, keyed=keyed)
    if columns:
        test = f"""
    IF EXISTS (SELECT FROM $view v WHERE $view_is_new_of_index) THEN{found}
        PERFORM occ.raise_duplicate($index, ARRAY[$index_texts]);
    END IF;"""
    else:
        others = "WHERE NOT ($view_is_old)" if verb == "update" else ""
        test = f"""
    SELECT n.k INTO occ_key
      FROM (SELECT $keys_numbered, ARRAY[$keys_as_texts] AS k FROM (SELECT $new_columns) n0 $index_predicate) n
      JOIN (SELECT $keys_numbered FROM (SELECT * FROM $view v {others}) v0 $index_predicate) m ON $keys_are_equal
     LIMIT 1;
    IF FOUND THEN{found}
        PERFORM occ.raise_duplicate($index, occ_key);
    END IF;"""
    if verb == "update":
        return f"\n    IF {differs('($new_of_index)', '($old_of_index)')} THEN{deeper(test)}\n    END IF;"
    return test


def _before_duplicate(verb: Verb, *, keyed: bool) -> str:
    """Return what comes before a duplicate is told of: the row's own constraints, then the primary key."""
    check = f"\n        {parts.CHECK_ROW}"
    if not keyed:
        return check
    changes = f"{differs('($new_key)', '($old_key)')} AND " if verb == "update" else ""
    return f"""{check}
        IF {changes}EXISTS (SELECT FROM $view v WHERE $view_is_new) THEN
            {parts.RAISE_DUPLICATE}
        END IF;"""


_KEY_LETTERS: Final = Loop(
    "key_letters",
    "occ.unique_indexes(rel) x",
    "x.plain DESC, x.id",
    {
        "plain": "x.plain",
        "new_of_index": _UNIQUE_BLANKS["new_of_index"],
        "old_of_index": _UNIQUE_BLANKS["old_of_index"],
    },
    tuple(
        ({"plain": plain}, f"WHEN {differs('($new_of_index)', '($old_of_index)')} THEN '{op}'")
        for plain, op in ((True, Op.REPLACED), (False, Op.KEY_UPDATED))
    ),
    separator=" ",
)
"""Which letter an update gets that changes other keys than the primary."""
