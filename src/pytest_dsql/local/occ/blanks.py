"""The blanks of a table, and the SQL that fills them; all of it becomes occ.describe(table, layout of its view).

Patterns over columns write %1$s for the quoted name. In fillings `o` is the overlay, `b` the table, `v` the view and
`u` both parts of the view before they are told apart.
"""

# ruff: noqa: S608  # what it puts together is its own

from typing import Final

from pytest_dsql.local.occ.loop import Loop, listed
from pytest_dsql.local.occ.words import op

_EQUAL: Final = op("=")
_ATTRIBUTES: Final = "SELECT attnum FROM pg_attribute WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped"

COLUMNS: Final = {
    "all_columns": "occ.columns(rel)",
    "key_columns": "occ.primary_key(rel)",
    "written_columns": f"ARRAY({_ATTRIBUTES} AND attgenerated = '' ORDER BY 1)",
    "generated_columns": f"ARRAY({_ATTRIBUTES} AND attgenerated <> '' ORDER BY 1)",
    "not_null_columns": f"ARRAY({_ATTRIBUTES} AND attnotnull ORDER BY 1)",
    # What an update at COMMIT carries over: not what is the server's own, nor keys that are identical where equal.
    "carried_columns": f"""ARRAY({_ATTRIBUTES} AND attgenerated = '' AND attidentity <> 'a'
        AND (attnum <> ALL (coalesce(occ.primary_key(rel), '{{}}')) OR NOT occ.equal_is_identical(atttypid))
        ORDER BY 1)""",
    "watched_columns": "occ.watched(rel)",
}
"""Lists of a table's columns."""


def _keyed(by_key: str, by_place: str) -> str:
    return f"CASE WHEN key_columns IS NULL THEN {by_place} ELSE {by_key} END"


def _image(pattern: str, variable: str) -> str:
    values = listed("all_columns", pattern)
    return f"format('record_image_eq(ROW(%s), ROW(%s))', {values}, {listed('all_columns', variable + '.%1$s')})"


def _of_variable(name: str, variable: str) -> dict[str, str]:
    """Return how a row is found again that a variable holds."""
    image = listed("all_columns", f"{variable}.%1$s")
    return {
        f"{name}_values": listed("written_columns", f"{variable}.%1$s"),
        f"overlay_is_{name}": listed("key_columns", f"o.%1$s = {variable}.%1$s", " AND "),
        f"overlay_looks_{name}": f"format('record_image_eq(ROW(%s), ROW(%s))', occ.overlay_columns(rel), {image})",
        f"base_looks_{name}": _image("b.%1$s", variable),
    }


FACTS: Final = {
    "keyed": "key_columns IS NOT NULL",
    "indexed": "EXISTS (SELECT FROM occ.unique_indexes(rel))",
    "updates": "carried_columns <> '{}'",
    "quick": "occ.key_text(rel) IS NOT NULL",
    "refers": "EXISTS (SELECT FROM pg_constraint WHERE rel IN (conrelid, confrelid) AND contype = 'f')",
    "acts": "EXISTS (SELECT FROM pg_constraint WHERE confrelid = rel AND contype = 'f'"
    " AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd')))",
}
"""What tells the templates of a table: whether it has a primary key, and other unique indexes; whether there is
anything to update in it, and a quick way to; whether it has to do with foreign keys, and whether those act."""

_NAMES: Final = {
    "oid": "rel::text",
    "schema": "occ.name(n.nspname)",
    "base": "format('%s.%s', occ.name(n.nspname), occ.name(c.relname))",
    "shadow": "occ.shadow_schema(rel)",
    "private": "occ.private_schema(rel)",
    "view": "occ.view_name(rel)",
    "overlay": "format('%s.%s', occ.private_schema(rel), occ.name(c.relname))",
    "keys": """format('%s."%s keys"', occ.private_schema(rel), rel)""",
    "shares": """format('%s."%s shares"', occ.private_schema(rel), rel)""",
    "key_index": "(SELECT conindid::text FROM pg_constraint WHERE conrelid = rel AND contype = 'p')",
    "permission_denied": "quote_literal('permission denied for table ' || c.relname)",
}

_TABLE: Final = {
    "definition": "occ.overlay_definition(rel)",
    "set_not_null": listed("not_null_columns", ", ALTER %1$s SET NOT NULL", ""),
    "base_ref": _keyed("''", "', ctid AS occ_ref'"),
    "overlay_ref": _keyed("''", "', o.occ_ref'"),
    "base_columns": listed("all_columns", "%1$s"),
    "overlay_columns": "occ.overlay_columns(rel)",
    "overlay_is_merged": _keyed(listed("key_columns", "o.%1$s = u.%1$s", " AND "), "'o.occ_ref = u.occ_ref'"),
    "overlay_from_merged": _keyed(listed("key_columns[1:1]", "o.%1$s >= u.%1$s"), "'o.occ_ref >= u.occ_ref'"),
    "merged_outputs": "occ.outputs(rel, layout, 'u')",
    "base_outputs": "occ.outputs(rel, layout, 'b')",
    "row_body": "quote_literal(format('SELECT ROW(%s)::%s.%s', "
    f"{listed('all_columns', 'r.%1$s')}, occ.name(n.nspname), occ.name(c.relname)))",
}

_ROWS: Final = {
    "written": listed("written_columns", "%1$s"),
    "new_values": listed("written_columns", "NEW.%1$s"),
    "overlay_values": listed("written_columns", "o.%1$s"),
    "set_new": listed("written_columns", "%1$s = NEW.%1$s"),
    "set_overlay": listed("carried_columns", "%1$s = o.%1$s"),
    "new_columns": listed("all_columns", "NEW.%1$s AS %1$s"),
    "proposed_values": "occ.proposed_values(rel)",
    "returning": "CASE WHEN generated_columns = '{}' THEN '' ELSE format(' RETURNING %s INTO %s', "
    f"{listed('generated_columns', 'o.%1$s')}, {listed('generated_columns', 'NEW.%1$s')}) END",
    "row_size": "occ.row_size(rel)",
}

_KEY: Final = {
    "key": listed("key_columns", "%1$s"),
    "overlay_key": listed("key_columns", "o.%1$s"),
    "new_key": listed("key_columns", "NEW.%1$s"),
    "old_key": listed("key_columns", "OLD.%1$s"),
    "new_key_texts": listed("key_columns", "NEW.%1$s::text"),
    "overlay_is_base": _keyed(
        listed("key_columns", f"o.%1$s {_EQUAL} b.%1$s", " AND "), f"'o.occ_ref {_EQUAL} b.ctid'"
    ),
    "overlay_is_new": listed("key_columns", "o.%1$s = NEW.%1$s", " AND "),
    "base_is_new": listed("key_columns", "b.%1$s = NEW.%1$s", " AND "),
    "view_is_new": listed("key_columns", "v.%1$s = NEW.%1$s", " AND "),
    "view_is_old": _keyed(listed("key_columns", "v.%1$s = OLD.%1$s", " AND "), _image("v.%1$s", "OLD")),
    "view_is_key": listed("key_columns", "v.%1$s = $1[%2$s]::%3$s", " AND "),
    "key_text": "occ.key_text(rel)",
    "nothing_else_changes": listed("key_columns", f"NEW.%1$s {_EQUAL} OLD.%1$s", " AND ")
    + " || CASE WHEN cardinality(watched_columns) > 0"
    " THEN format(' AND pg_catalog.record_image_eq(ROW(%s), ROW(%s))', "
    f"{listed('watched_columns', 'NEW.%1$s')}, {listed('watched_columns', 'OLD.%1$s')}) ELSE '' END",
}

BLANKS: Final = {
    **_NAMES,
    **_TABLE,
    **_ROWS,
    **_KEY,
    **_of_variable("old", "OLD"),
    **_of_variable("row", "occ_row"),
}
"""What fills a blank, where the variables of `COLUMNS` are known, and `c` and `n` are the table and its schema."""


def describe(loops: list[Loop]) -> str:
    """Return the function that says what fills the blanks of a table."""
    declared = "".join(f"    {name} int2[] := {sql};\n" for name, sql in COLUMNS.items())
    filled = ",\n        ".join(f'{sql} AS "{name}"' for name, sql in {**FACTS, **BLANKS}.items())
    looped = ",\n        ".join(f'{loop.sql} AS "{loop.name}"' for loop in loops)
    return f"""
CREATE OR REPLACE FUNCTION occ.describe(rel oid, layout int2[]) RETURNS jsonb LANGUAGE plpgsql STABLE AS $describe$
DECLARE
{declared}    slots jsonb;
BEGIN
    SELECT to_jsonb(s) INTO slots FROM (SELECT
        {filled}
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = rel) s;
    RETURN slots || (SELECT to_jsonb(s) FROM (SELECT
        {looped}) s);
END $describe$"""
