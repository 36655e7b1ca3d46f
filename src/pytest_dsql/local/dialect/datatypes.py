"""Types as DSQL names them, and which of them a column may have."""

import re
from typing import Any

# Catalog names whose display name differs.
DISPLAY = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "bpchar": "character",
    "varchar": "character varying",
    "varbit": "bit varying",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
}
# rec: accepted as column types.
ACCEPTED = frozenset(
    [
        "int2",
        "int4",
        "int8",
        "float4",
        "float8",
        "numeric",
        "bpchar",
        "varchar",
        "text",
        "date",
        "time",
        "timetz",
        "timestamp",
        "timestamptz",
        "interval",
        "bool",
        "bytea",
        "uuid",
        "json",
        "jsonb",
    ]
)
# Every other type PostgreSQL 16 is born with: rec for those of its user manual, by the same rule for the rest.
REFUSED = frozenset(
    [
        "money",
        "xml",
        "inet",
        "cidr",
        "macaddr",
        "macaddr8",
        "point",
        "line",
        "lseg",
        "box",
        "path",
        "polygon",
        "circle",
        "tsvector",
        "tsquery",
        "bit",
        "varbit",
        "pg_lsn",
        "int4range",
        "int8range",
        "numrange",
        "tsrange",
        "tstzrange",
        "daterange",
        "int4multirange",
        "int8multirange",
        "nummultirange",
        "tsmultirange",
        "tstzmultirange",
        "datemultirange",
        "oid",
        "name",
        "xid",
        "xid8",
        "cid",
        "tid",
        "jsonpath",
        "txid_snapshot",
        "pg_snapshot",
        "int2vector",
        "oidvector",
        "refcursor",
        "aclitem",
        "regclass",
        "regproc",
        "regprocedure",
        "regoper",
        "regoperator",
        "regtype",
        "regrole",
        "regnamespace",
        "regconfig",
        "regdictionary",
        "regcollation",
        "gtsvector",
    ]
)
SERIALS = frozenset(["serial", "serial2", "serial4", "serial8", "smallserial", "bigserial"])
# docs, column "Index support": no.
REFUSED_KEYS = frozenset({"json", "jsonb"})


def type_name(node: Any) -> tuple[str | None, str]:
    """Schema and name of a TypeName as the parser left them."""
    parts = [part.sval for part in node.names or ()]
    return (parts[-2] if len(parts) > 1 else None, parts[-1] if parts else "")


def is_array(node: Any) -> bool:
    """True for `t[]`, `t ARRAY` and the catalog's own `_t`."""
    schema, name = type_name(node)
    built_in = name.removeprefix("_") in ACCEPTED | REFUSED
    return bool(node.arrayBounds) or (name.startswith("_") and built_in and schema in (None, "pg_catalog"))


def display(node: Any) -> str:
    """The type's name as DSQL prints it, without modifiers: `int[]` is `integer[]`."""
    _, name = type_name(node)
    if is_array(node):
        base = name.removeprefix("_")
        return f"{DISPLAY.get(base, base)}[]"
    return DISPLAY.get(name, name)


def catalog_name(text: str) -> str:
    """A display name with modifiers, as the catalog prints it, back to the catalog's name."""
    bare = strip_modifier(text)
    return next((name for name, shown in DISPLAY.items() if shown == bare), bare)


def declared_length(text: str) -> int:
    """The length in a display name, `character varying(20)`; 0 where there is none."""
    found = re.fullmatch(r"character(?: varying)?\((\d+)\)", text)
    return int(found[1]) if found else 0


def strip_modifier(text: str) -> str:
    """`character varying(20)` without its `(20)`; `timestamp(3) with time zone` likewise."""
    head, bracket, rest = text.partition("(")
    return head.rstrip() + rest.partition(")")[2] if bracket else text


def cast_type(text: str) -> str:
    """The type to cast a value to in front of an assignment, which does the length check itself.

    An explicit cast cuts strings that an assignment refuses; all other modifiers do the same in both.
    """
    bare = strip_modifier(text)
    if bare == "character":
        return "bpchar"
    return bare if bare in ("character varying", "bpchar", "bit", "bit varying") else text


def modifiers(node: Any) -> list[int]:
    """The integer modifiers of a TypeName."""
    values = (getattr(getattr(item, "val", None), "ival", None) for item in node.typmods or ())
    return [value for value in values if value is not None]
