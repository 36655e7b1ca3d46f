"""CREATE INDEX: asynchronous only, B-tree keys without options."""

from typing import Any

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.datatypes import REFUSED_KEYS, catalog_name, declared_length, strip_modifier
from pytest_dsql.local.dialect.parse.text import OPEN
from pytest_dsql.local.dialect.refuse.context import RuleContext
from pytest_dsql.local.dialect.refuse.tables import first
from pytest_dsql.local.dialect.statement import Refusal


def create_index(node: Any, context: RuleContext) -> Refusal | None:
    """Options of the statement, then of each key, then its types and counts (live, skill, docs)."""
    return first((_clauses(node, context), _mode(context), _keys(node), _limits(node, context)))


def _mode(context: RuleContext) -> Refusal | None:
    return None if context.asynchronous else facts.INDEX_MODE.refusal()


def _clauses(node: Any, context: RuleContext) -> Refusal | None:
    if node.concurrent:
        return facts.INDEX_CLAUSE.refusal("CONCURRENTLY")
    # The tree says `btree` with and without USING, so the token decides.
    source = context.source
    at = source.index(node.relation.location)
    while source.name(at) not in OPEN and source.name(at):
        if source.name(at) == "USING":
            return facts.INDEX_CLAUSE.refusal("USING")
        at += 1
    clauses = {"WITH": node.options, "TABLESPACE": node.tableSpace}
    return first(facts.INDEX_CLAUSE.refusal(name) for name, present in clauses.items() if present)


def _keys(node: Any) -> Refusal | None:
    for key in node.indexParams:
        if key.ordering.name != "SORTBY_DEFAULT":
            return facts.INDEX_SORT.refusal()
        if key.opclass:
            return facts.INDEX_OPCLASS.refusal()
        if key.collation:
            return facts.CLAUSE.refusal("COLLATE")
    return None


def _limits(node: Any, context: RuleContext) -> Refusal | None:
    if len(node.indexParams) > facts.MAX_KEY_COLUMNS:
        return facts.KEY_COLUMNS.refusal()
    table = context.table(node.relation.schemaname, node.relation.relname)
    if table is None:
        return None
    if table.index_count >= facts.MAX_INDEXES:
        return facts.TABLE_INDEXES.refusal()
    types = [table.by_name[key.name].type for key in node.indexParams if key.name in table.by_name]
    if sum(map(declared_length, types)) > facts.MAX_DECLARED_KEY:
        return facts.DECLARED_KEY_SIZE.refusal()
    refused = (text for text in types if catalog_name(text) in REFUSED_KEYS or text.endswith("[]"))
    return first(facts.KEY_TYPE.refusal(strip_modifier(text)) for text in refused)
