"""The system catalogs as a cluster has them: without the schemas in which the stand-in keeps overlays and views.

A query that reads one of these is pointed at a view of the same name, which leaves those schemas' rows out. Without it
``information_schema.columns`` would list the columns of each table three times. So is the call of a function that
shows a definition: relations would bear the names of the stand-in's views, and indexes be PostgreSQL's.
"""

from typing import Final

SCHEMA: Final = "occ_shown"

_OF_SCHEMA: Final = "{column} NOT IN (SELECT oid FROM pg_catalog.pg_namespace WHERE occ.is_own(nspname))"
_OF_RELATION: Final = (
    "{column} NOT IN (SELECT c.oid FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE occ.is_own(n.nspname))"
)
_OF_FUNCTION: Final = (
    "{column} NOT IN (SELECT p.oid FROM pg_catalog.pg_proc p"
    " JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE occ.is_own(n.nspname))"
)
_NONE: Final = "false"
_BY_NAME: Final = "occ.is_own({column}) IS NOT TRUE"

_CATALOGS: Final = {
    "pg_attrdef": ("adrelid", _OF_RELATION),
    "pg_attribute": ("attrelid", _OF_RELATION),
    "pg_available_extension_versions": ("name", _NONE),
    "pg_available_extensions": ("name", _NONE),
    "pg_cast": ("castfunc", _OF_FUNCTION),
    "pg_class": ("relnamespace", _OF_SCHEMA),
    "pg_constraint": ("connamespace", _OF_SCHEMA),
    "pg_event_trigger": ("evtname", "NOT starts_with({column}, 'occ_')"),
    "pg_index": ("indrelid", _OF_RELATION),
    "pg_indexes": ("schemaname", _BY_NAME),
    "pg_namespace": ("oid", _OF_SCHEMA),
    "pg_proc": ("pronamespace", _OF_SCHEMA),
    "pg_rewrite": ("ev_class", _OF_RELATION),
    "pg_sequences": ("schemaname", _BY_NAME),
    "pg_stat_all_indexes": ("schemaname", _BY_NAME),
    "pg_stat_all_tables": ("schemaname", _BY_NAME),
    "pg_stat_user_indexes": ("schemaname", _BY_NAME),
    "pg_stat_user_tables": ("schemaname", _BY_NAME),
    "pg_tables": ("schemaname", _BY_NAME),
    "pg_trigger": ("tgrelid", _OF_RELATION),
    "pg_type": ("typnamespace", _OF_SCHEMA),
    "pg_views": ("schemaname", _BY_NAME),
}
_COLUMNS: Final = {
    # A view cannot have a column of its pseudo-type.
    "pg_attribute": {"attmissingval": "attmissingval::text"},
    "pg_proc": {"prosrc": "occ.written(prosrc)"},
    # Sizes as live 2026-10 has them: no pages, and rows of a table that somebody has asked to ANALYZE.
    "pg_class": {
        "relpages": "CASE WHEN oid < 16384 THEN relpages ELSE 0 END",
        "reltuples": "CASE WHEN oid < 16384 OR relkind <> 'r' OR pg_stat_get_last_analyze_time(oid) IS NOT NULL"
        " THEN reltuples ELSE -1 END",
    },
}
"""Columns of these catalogs that are shown otherwise."""
_INFORMATION_SCHEMA: Final = {
    "check_constraints": "constraint_schema",
    "column_privileges": "table_schema",
    "columns": "table_schema",
    "constraint_column_usage": "table_schema",
    "constraint_table_usage": "table_schema",
    "key_column_usage": "table_schema",
    "parameters": "specific_schema",
    "referential_constraints": "constraint_schema",
    "role_column_grants": "table_schema",
    "role_table_grants": "table_schema",
    "routines": "routine_schema",
    "schemata": "schema_name",
    "sequences": "sequence_schema",
    "table_constraints": "table_schema",
    "table_privileges": "table_schema",
    "tables": "table_schema",
    "triggers": "event_object_schema",
    "view_column_usage": "view_schema",
    "view_table_usage": "view_schema",
    "views": "table_schema",
}
_RELATIONS: Final = {("pg_catalog", name): how for name, how in _CATALOGS.items()} | {
    ("information_schema", name): (column, _BY_NAME) for name, column in _INFORMATION_SCHEMA.items()
}
_OVER_AGAIN: Final = frozenset(
    {
        ("pg_catalog", "pg_indexes"),
        ("pg_catalog", "pg_views"),
        ("information_schema", "columns"),
        ("information_schema", "routines"),
        ("information_schema", "tables"),
        ("information_schema", "views"),
    }
)
"""Catalogs that show definitions, or whether a view may be changed, made as PostgreSQL makes them."""
_DEFINITIONS: Final = {
    "pg_get_viewdef": (
        "view oid",
        "view oid, pretty boolean",
        "view oid, width integer",
        "view text",
        "view text, pretty boolean",
    ),
    "pg_get_ruledef": ("rule oid", "rule oid, pretty boolean"),
    "pg_get_function_sqlbody": ("func oid",),
}
"""Functions that show a definition, with their arguments."""
FUNCTIONS: Final = frozenset({*_DEFINITIONS, "pg_get_functiondef", "pg_get_indexdef"})


def is_shown_in_part(schema: str | None, name: str) -> bool:
    """Whether a name in a query means one of these catalogs; no user's relation can come before ``pg_catalog``'s."""
    return (schema or "pg_catalog", name) in _RELATIONS


def views() -> str:
    """Write the commands that make the views, and the functions that they call."""
    functions = [_function(name, arguments) for name, kinds in _DEFINITIONS.items() for arguments in kinds]
    commands = [_view(schema, name) for schema, name in _RELATIONS]
    return ";".join([*functions, *commands, f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO PUBLIC"])


def _function(name: str, arguments: str) -> str:
    passed = "$1, $2" if "," in arguments else "$1"
    body = f"SELECT {SCHEMA}.as_written(pg_catalog.{name}({passed}))"
    return f"CREATE OR REPLACE FUNCTION {SCHEMA}.{name}({arguments}) RETURNS text LANGUAGE sql STABLE AS $${body}$$"


def _view(schema: str, name: str) -> str:
    column, test = _RELATIONS[schema, name]
    head, tail = f"CREATE OR REPLACE VIEW {SCHEMA}.{name} AS SELECT", f"WHERE {test.format(column=column)}"
    if (schema, name) in _OVER_AGAIN:
        return _made(f"'{head} * FROM (%s) q {tail}'", f"occ.shown_query('{schema}.{name}')")
    if name in _COLUMNS:
        columns = ", ".join(f"'{column}', $s${shown} AS {column}$s$" for column, shown in _COLUMNS[name].items())
        listed = f"occ.shown_columns('{schema}.{name}', jsonb_build_object({columns}))"
        return _made(f"$v${head} %s FROM {schema}.{name} {tail}$v$", listed)
    return f"{head} * FROM {schema}.{name} {tail}"


def _made(template: str, argument: str) -> str:
    return f"DO $$BEGIN EXECUTE format({template}, {argument}); END$$"
