"""Refusals by kind of statement: what DSQL does not run, whatever its details."""

from collections.abc import Callable
from typing import Any

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.parse.nodes import constant, flatten, option, strings, tag, walk
from pytest_dsql.local.dialect.refuse.alter import alter_table
from pytest_dsql.local.dialect.refuse.context import RuleContext
from pytest_dsql.local.dialect.refuse.indexes import create_index
from pytest_dsql.local.dialect.refuse.settings import set_setting, show_setting
from pytest_dsql.local.dialect.refuse.tables import (
    cache_size,
    columns_of,
    create_table,
    sequence_count,
    sequence_options,
)
from pytest_dsql.local.dialect.statement import Refusal

Rule = Callable[[Any, RuleContext], Refusal | None]

# TransactionStmtKind -> the name DSQL gives it when it refuses it.
TRANSACTION_NAMES = {
    "TRANS_STMT_SAVEPOINT": "SAVEPOINT",
    "TRANS_STMT_RELEASE": "RELEASE",
    "TRANS_STMT_ROLLBACK_TO": "ROLLBACK TO",
    "TRANS_STMT_PREPARE": "PREPARE TRANSACTION",
    "TRANS_STMT_COMMIT_PREPARED": "COMMIT PREPARED",
    "TRANS_STMT_ROLLBACK_PREPARED": "ROLLBACK PREPARED",
}


def refuse_statement(node: Any, context: RuleContext) -> Refusal | None:
    """The refusal of a statement as a whole, None where DSQL runs its kind."""
    name = tag(node)
    if name in facts.NODE_TEXTS:
        return facts.NODE_TEXTS[name].refusal()
    if name not in facts.KNOWN_STATEMENTS:
        return facts.UNSUPPORTED_STATEMENT.refusal(name)
    rule = RULES.get(name)
    return rule(node, context) if rule else None


def object_type(value: Any) -> str:
    """`TABLE` of OBJECT_TABLE."""
    return str(value.name).removeprefix("OBJECT_")


def isolation_level(options: Any) -> Refusal | None:
    """Any level but REPEATABLE READ is refused by its name."""
    item = option(options, "transaction_isolation")
    level = constant(item.arg) if item else None
    if level is None or level == "repeatable read":
        return None
    return facts.ISOLATION_LEVEL.refusal(level.upper())


def _transaction(node: Any, _context: RuleContext) -> Refusal | None:
    name = TRANSACTION_NAMES.get(node.kind.name)
    if name:
        return facts.TRANSACTION_STATEMENT.refusal(name)
    return isolation_level(node.options)


def _set(node: Any, _context: RuleContext) -> Refusal | None:
    return isolation_level(node.args if node.kind.name == "VAR_SET_MULTI" else ()) or set_setting(node)


def _show(node: Any, _context: RuleContext) -> Refusal | None:
    return show_setting(node)


def _select(node: Any, _context: RuleContext) -> Refusal | None:
    return facts.UNSUPPORTED_STATEMENT.refusal("CreateTableAs") if node.intoClause else None


def _explain(node: Any, context: RuleContext) -> Refusal | None:
    return refuse_statement(node.query, context)


def _copy(node: Any, _context: RuleContext) -> Refusal | None:
    if node.filename is None:
        return None
    fact = facts.COPY_PROGRAM if node.is_program else facts.COPY_FILE
    return fact.refusal("from" if node.is_from and not node.is_program else "to" if not node.is_from else "from")


def _call(node: Any, _context: RuleContext) -> Refusal | None:
    found = any(tag(item) == "SubLink" for item in walk(node.funccall))
    return facts.CALL_SUBQUERY.refusal() if found else None


def _create_function(node: Any, _context: RuleContext) -> Refusal | None:
    item = option(node.options, "language")
    language = item.arg.sval if item else "sql"
    if language.lower() not in facts.LANGUAGES:
        return facts.FUNCTION_LANGUAGE.refusal(language)
    settings = (item.arg for item in node.options or () if item.defname == "set")
    return next(filter(None, map(set_setting, settings)), None)


def _do(node: Any, _context: RuleContext) -> Refusal | None:
    item = option(node.args, "language")
    plain = item is None or item.arg.sval.lower() == "plpgsql"
    return None if plain else facts.DO_LANGUAGE.refusal(item.arg.sval)


def _view(node: Any, context: RuleContext) -> Refusal | None:
    if node.view.relpersistence == "t":
        return facts.TEMPORARY_VIEW.refusal()
    if len(context.source.text[context.start : context.end].encode()) > facts.MAX_VIEW_SIZE:
        return facts.VIEW_SIZE.refusal()
    return facts.VIEWS.refusal() if not node.replace and len(context.catalog.views) >= facts.MAX_VIEWS else None


def _create_statistics(node: Any, context: RuleContext) -> Refusal | None:
    relations = [item for item in node.relations if tag(item) == "RangeVar"]
    tables = [context.table(relation.schemaname, relation.relname) for relation in relations]
    full = any(table and table.statistics >= facts.MAX_STATISTICS for table in tables)
    return facts.STATISTICS.refusal() if full else None


def _alter_statistics(node: Any, _context: RuleContext) -> Refusal | None:
    target = int(constant(node.stxstattarget) or 0)
    return facts.STATISTICS_TARGET.refusal(target) if target > facts.MAX_TARGET else None


def _create_sequence(node: Any, context: RuleContext) -> Refusal | None:
    if node.sequence.relpersistence != "p":
        temporary = node.sequence.relpersistence == "t"
        return (facts.TEMPORARY_SEQUENCE if temporary else facts.UNLOGGED_SEQUENCE).refusal()
    return sequence_options(node.options, facts.SEQUENCE_CACHE) or sequence_count(context)


def _alter_sequence(node: Any, _context: RuleContext) -> Refusal | None:
    return cache_size(node.options)


def _create_schema(node: Any, context: RuleContext) -> Refusal | None:
    own = context.catalog.schemas - facts.SYSTEM_SCHEMAS
    if node.schemaname not in own and len(own) >= facts.MAX_SCHEMAS:
        return facts.SCHEMAS.refusal()
    return next(filter(None, (refuse_statement(item, context) for item in flatten(node.schemaElts or ()))), None)


def _create_domain(node: Any, context: RuleContext) -> Refusal | None:
    return columns_of((node,), context)


def _alter_domain(node: Any, _context: RuleContext) -> Refusal | None:
    name = facts.REFUSED_DOMAIN_CHANGES.get(node.subtype)
    return facts.ALTER_DOMAIN.refusal(name) if name else None


def _drop(node: Any, _context: RuleContext) -> Refusal | None:
    kind = object_type(node.removeType)
    if kind == "INDEX" and node.concurrent:
        return facts.DROP_CONCURRENTLY.refusal()
    if kind == "DOMAIN" and node.behavior.name == "DROP_CASCADE":
        return facts.DROP_DOMAIN_CASCADE.refusal()
    allowed = kind in facts.DROPPABLE or (kind == "TRIGGER" and node.missing_ok)
    return None if allowed else facts.DROP_OBJECT.refusal()


def _grant(node: Any, _context: RuleContext) -> Refusal | None:
    kind = object_type(node.objtype)
    if kind not in facts.GRANTABLE:
        return facts.GRANT_OBJECT.refusal()
    named = kind == "SCHEMA" and set(strings(node.objects)) & facts.SYSTEM_SCHEMAS
    return facts.GRANT_SYSTEM.refusal() if named else None


def _objects(attribute: str, allowed: frozenset[str], fact: facts.Fact) -> Rule:
    def rule(node: Any, _context: RuleContext) -> Refusal | None:
        return None if object_type(getattr(node, attribute)) in allowed else fact.refusal()

    return rule


def _role_options(node: Any, _context: RuleContext) -> Refusal | None:
    return facts.ROLE_OPTION.refusal("PASSWORD") if option(node.options, "password") else None


def _role_setting(node: Any, context: RuleContext) -> Refusal | None:
    # AWS's linter had it refused in 2026-08; AWS's TypeORM sample runs it in 2026-10, and the later date wins.
    return _set(node.setstmt, context)


def _vacuum(node: Any, _context: RuleContext) -> Refusal | None:
    return facts.VACUUM.refusal() if node.is_vacuumcmd else None


def _deallocate(node: Any, _context: RuleContext) -> Refusal | None:
    return None if node.isall else facts.UNSUPPORTED_STATEMENT.refusal("Deallocate")


RULES: dict[str, Rule] = {
    "AlterDomain": _alter_domain,
    "AlterObjectSchema": _objects("objectType", facts.MOVABLE, facts.SCHEMA_OBJECT),
    "AlterOwner": _objects("objectType", facts.OWNABLE, facts.OWNER_OBJECT),
    "AlterRole": _role_options,
    "AlterRoleSet": _role_setting,
    "AlterSeq": _alter_sequence,
    "AlterStats": _alter_statistics,
    "AlterTable": alter_table,
    "Call": _call,
    "Copy": _copy,
    "Create": create_table,
    "CreateDomain": _create_domain,
    "CreateFunction": _create_function,
    "CreateRole": _role_options,
    "CreateSchema": _create_schema,
    "CreateSeq": _create_sequence,
    "CreateStats": _create_statistics,
    "Deallocate": _deallocate,
    "Do": _do,
    "Drop": _drop,
    "Explain": _explain,
    "Grant": _grant,
    "Index": create_index,
    "Rename": _objects("renameType", facts.RENAMABLE, facts.RENAME_OBJECT),
    "Select": _select,
    "Transaction": _transaction,
    "Vacuum": _vacuum,
    "VariableSet": _set,
    "VariableShow": _show,
    "View": _view,
}
