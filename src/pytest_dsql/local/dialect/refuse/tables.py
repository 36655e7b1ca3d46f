"""CREATE TABLE: clauses, columns, keys, and the rules for sequences it shares with CREATE SEQUENCE."""

from collections.abc import Iterable
from typing import Any

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.datatypes import (
    ACCEPTED,
    REFUSED,
    REFUSED_KEYS,
    SERIALS,
    display,
    is_array,
    modifiers,
    type_name,
)
from pytest_dsql.local.dialect.parse.nodes import constant, option, strings
from pytest_dsql.local.dialect.parse.parser import ast
from pytest_dsql.local.dialect.refuse.context import RuleContext
from pytest_dsql.local.dialect.statement import Refusal

KEYS = frozenset({"CONSTR_PRIMARY", "CONSTR_UNIQUE"})
PERSISTENCE = {"t": "TEMPORARY or TEMP", "u": "UNLOGGED"}


def first(refusals: Iterable[Refusal | None]) -> Refusal | None:
    """The first refusal of several checks."""
    return next((refusal for refusal in refusals if refusal), None)


def create_table(node: Any, context: RuleContext) -> Refusal | None:
    """CREATE TABLE is judged clause by clause, then column by column, then by its keys."""
    columns: list[Any] = [item for item in node.tableElts or () if isinstance(item, ast.ColumnDef)]
    checks = (_clauses(node), columns_of(columns, context), _keys(node, columns), _counts(columns, context))
    return first(checks)


def _clauses(node: Any) -> Refusal | None:
    persistence = PERSISTENCE.get(node.relation.relpersistence)
    if persistence:
        return facts.PERSISTENCE.refusal(persistence)
    clauses = {
        "PARTITION OF": node.partbound,
        "PARTITION BY": node.partspec,
        "INHERITS": node.inhRelations,
        "OF": node.ofTypename,
        "WITH": node.options,
        "ON COMMIT": node.oncommit.name != "ONCOMMIT_NOOP",
        "TABLESPACE": node.tablespacename,
        "USING": node.accessMethod,
    }
    return first(facts.TABLE_CLAUSE.refusal(name) for name, present in clauses.items() if present)


def columns_of(columns: Iterable[Any], context: RuleContext) -> Refusal | None:
    """The first refusal among column (or domain) definitions."""
    return first(column(item, context) for item in columns)


def column(node: Any, context: RuleContext) -> Refusal | None:
    """A column: its type, its collation, its identity."""
    if node.typeName is None:
        return None
    if node.collClause:
        return facts.CLAUSE.refusal("COLLATE")
    identity = next((item for item in node.constraints or () if item.contype.name == "CONSTR_IDENTITY"), None)
    return column_type(node.typeName, context) or (_identity(node, identity, context) if identity else None)


def column_type(node: Any, context: RuleContext) -> Refusal | None:
    """A type a column may not have, by its canonical name."""
    schema, name = type_name(node)
    if schema is None and name in SERIALS:
        return facts.NO_SUCH_TYPE.refusal(name, position=node.location)
    built_in = name in ACCEPTED and schema in (None, "pg_catalog")
    # A table is a type, too, and the rows of one are no value of a column.
    refused = (name in REFUSED and schema in (None, "pg_catalog")) or (
        not built_in and context.catalog.relation(schema, name, context.search_path)
    )
    if refused or is_array(node):
        return facts.DATATYPE.refusal(_display(node, context))
    return _limits(name, modifiers(node)) if name in ACCEPTED else None


def _display(node: Any, context: RuleContext) -> str:
    # `char` in quotes is a type of its own, and prints with them.
    raw = context.source.text[node.location : node.location + 6]
    return display(node) if raw != '"char"' else raw


def _limits(name: str, values: list[int]) -> Refusal | None:
    if name in facts.MAX_LENGTHS and values:
        limit, shown = facts.MAX_LENGTHS[name]
        return facts.DATATYPE_LIMIT.refusal(limit, shown) if values[0] > limit else None
    if name == "numeric" and values:
        if not 1 <= values[0] <= facts.MAX_PRECISION:
            return facts.NUMERIC_PRECISION.refusal(values[0])
        if len(values) > 1 and not facts.MIN_SCALE <= values[1] <= facts.MAX_SCALE:
            return facts.NUMERIC_SCALE.refusal(values[1])
    return None


def sequence_count(context: RuleContext) -> Refusal | None:
    """There may be so many sequences, those of identity columns among them."""
    return facts.SEQUENCES.refusal() if len(context.catalog.others) >= facts.MAX_SEQUENCES else None


def _identity(node: Any, constraint: Any, context: RuleContext) -> Refusal | None:
    _, name = type_name(node.typeName)
    if name != "int8":
        return facts.IDENTITY_TYPE.refusal(display(node.typeName))
    return sequence_options(constraint.options, facts.IDENTITY_CACHE) or sequence_count(context)


def sequence_options(options: Any, cache_fact: facts.Fact) -> Refusal | None:
    """CACHE has to be there, of a size that DSQL takes; a sequence counts in bigint only."""
    kind = option(options, "as")
    if kind is not None and type_name(kind.arg)[1] != "int8":
        return facts.SEQUENCE_TYPE.refusal()
    return cache_size(options) if option(options, "cache") else cache_fact.refusal()


def cache_size(options: Any) -> Refusal | None:
    """A cache that is given has a size that DSQL takes."""
    item = option(options, "cache")
    cache = int(constant(item.arg) or 0) if item else 1
    return None if cache == 1 or cache >= facts.MIN_BIG_CACHE else facts.CACHE_SIZE.refusal(cache)


def _keys(node: Any, columns: list[Any]) -> Refusal | None:
    types = {item.colname: item.typeName for item in columns}
    table_level: list[Any] = [item for item in node.tableElts or () if isinstance(item, ast.Constraint)]
    keys = [strings(item.keys) for item in table_level if item.contype.name in KEYS]
    for item in columns:
        keys += [(item.colname,) for constraint in item.constraints or () if constraint.contype.name in KEYS]
    if any(item.contype.name == "CONSTR_EXCLUSION" for item in table_level):
        return facts.EXCLUSION.refusal()
    if any(len(key) > facts.MAX_KEY_COLUMNS for key in keys):
        return facts.KEY_COLUMNS.refusal()
    if len(keys) > facts.MAX_INDEXES:
        return facts.TABLE_INDEXES.refusal()
    checks = (first(_key_type(types.get(name)) for name in key) or _key_size(map(types.get, key)) for key in keys)
    return first(checks)


def _key_size(types: Iterable[Any]) -> Refusal | None:
    """The lengths that a key's columns are declared with must not add up to more than a key may have."""
    declared = (modifiers(node) for node in types if node is not None and type_name(node)[1] in facts.MAX_LENGTHS)
    too_large = sum(values[0] for values in declared if values) > facts.MAX_DECLARED_KEY
    return facts.DECLARED_KEY_SIZE.refusal() if too_large else None


def _key_type(node: Any) -> Refusal | None:
    if node is not None and type_name(node)[1] in REFUSED_KEYS:
        return facts.KEY_TYPE.refusal(display(node))
    return None


def _counts(columns: list[Any], context: RuleContext) -> Refusal | None:
    if len(columns) > facts.MAX_COLUMNS:
        return facts.TABLE_COLUMNS.refusal()
    return facts.TABLES.refusal() if len(context.catalog.tables) >= facts.MAX_TABLES else None
