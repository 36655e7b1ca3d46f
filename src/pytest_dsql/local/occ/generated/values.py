"""Values that may not come: too large ones, and those that are the server's to give."""

# ruff: noqa: S608  # what it puts together is its own

from collections.abc import Iterator

from pytest_dsql.local.occ.loop import Loop, Verb, differs, listed
from pytest_dsql.local.occ.words import VALUE_LIMIT


def loops() -> Iterator[Loop]:
    """Return what an INSERT or UPDATE looks at first."""
    yield _sizes()
    yield _given("insert")
    yield _given("update")


def _sizes() -> Loop:
    """Return the test of values that may be too large; it is not there where there are none."""
    return Loop(
        "sizes",
        "(SELECT occ.wide_columns(rel) AS nums) w WHERE cardinality(nums) > 0",
        "1",
        {
            "wide_size": listed("nums", "coalesce(pg_column_size(NEW.%1$s), 0)", " + "),
            "wide_values": "occ.wide_values(rel, nums)",
            "wide_types": "occ.wide_types(rel, nums)",
            "too_wide_keys": _each_key("format(' OR %s > %s', octets, room)", ""),
            "key_sizes": _each_key("octets", ", "),
            "key_rooms": _each_key("room::text", ", "),
        },
        (
            (
                {},
                f"""
    IF $wide_size > {VALUE_LIMIT}$too_wide_keys THEN
        PERFORM occ.refuse_sizes(ARRAY[$wide_values]::bytea[], ARRAY[$wide_types]::text[],
                                 ARRAY[$key_sizes]::int[], ARRAY[$key_rooms]::int[]);
    END IF;""",
            ),
        ),
    )


def _each_key(what: str, separator: str) -> str:
    return f"(SELECT coalesce(string_agg({what}, '{separator}' ORDER BY octets, room), '') FROM occ.wide_keys(rel))"


def _given(verb: Verb) -> Loop:
    """Return the refusal of values that are the server's to give, and identity values where none came."""
    other = f"ELSIF {differs('NEW.$column', 'OLD.$column')}" if verb == "update" else "ELSE"
    changed = " AND NEW.$column::text IS DISTINCT FROM OLD.$column::text" if verb == "update" else ""
    return Loop(
        f"given_{verb}",
        "pg_attribute WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped"
        " AND (attidentity = 'a' OR attgenerated <> '')",
        "attnum",
        {
            "identity": "attidentity = 'a'",
            "column": "occ.name(attname)",
            "column_text": "quote_literal(attname)",
            "sequence": "occ.identity_sequence(rel, attname)::text",
        },
        (
            (
                {"identity": True},
                f"""
    IF NEW.$column IS NULL THEN
        NEW.$column := nextval($sequence::oid::regclass);
    {other} THEN
        PERFORM occ.refuse_value('{verb}', $column_text, false);
    END IF;""".replace("ELSE THEN", "ELSE"),
            ),
            (
                {"identity": False},
                f"""
    IF NEW.$column IS NOT NULL{changed} THEN
        PERFORM occ.refuse_value('{verb}', $column_text, true);
    END IF;""",
            ),
        ),
    )
