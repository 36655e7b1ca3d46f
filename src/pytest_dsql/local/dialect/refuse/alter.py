"""ALTER TABLE by sub-command: what DSQL runs is listed, the rest is refused by PostgreSQL's name for it."""

from collections.abc import Callable
from typing import Any

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.parse.nodes import strings
from pytest_dsql.local.dialect.refuse.context import RuleContext
from pytest_dsql.local.dialect.refuse.tables import cache_size, column, first, sequence_options
from pytest_dsql.local.dialect.statement import Refusal

# AlterTableType -> what PostgreSQL calls it in messages (and DSQL with it: rec, live).
NAMES = {
    "AT_AddColumn": "ADD COLUMN",
    "AT_ColumnDefault": "ALTER COLUMN ... SET DEFAULT",
    "AT_DropNotNull": "ALTER COLUMN ... DROP NOT NULL",
    "AT_SetNotNull": "ALTER COLUMN ... SET NOT NULL",
    "AT_SetExpression": "ALTER COLUMN ... SET EXPRESSION",
    "AT_DropExpression": "ALTER COLUMN ... DROP EXPRESSION",
    "AT_SetStatistics": "ALTER COLUMN ... SET STATISTICS",
    "AT_SetOptions": "ALTER COLUMN ... SET",
    "AT_ResetOptions": "ALTER COLUMN ... RESET",
    "AT_SetStorage": "ALTER COLUMN ... SET STORAGE",
    "AT_SetCompression": "ALTER COLUMN ... SET COMPRESSION",
    "AT_DropColumn": "DROP COLUMN",
    "AT_AddConstraint": "ADD CONSTRAINT",
    "AT_AlterConstraint": "ALTER CONSTRAINT",
    "AT_ValidateConstraint": "VALIDATE CONSTRAINT",
    "AT_DropConstraint": "DROP CONSTRAINT",
    "AT_AlterColumnType": "ALTER COLUMN ... SET DATA TYPE",
    "AT_AlterColumnGenericOptions": "ALTER COLUMN ... OPTIONS",
    "AT_ChangeOwner": "OWNER TO",
    "AT_ClusterOn": "CLUSTER ON",
    "AT_DropCluster": "SET WITHOUT CLUSTER",
    "AT_SetLogged": "SET LOGGED",
    "AT_SetUnLogged": "SET UNLOGGED",
    "AT_DropOids": "SET WITHOUT OIDS",
    "AT_SetAccessMethod": "SET ACCESS METHOD",
    "AT_SetTableSpace": "SET TABLESPACE",
    "AT_SetRelOptions": "SET",
    "AT_ResetRelOptions": "RESET",
    "AT_EnableTrig": "ENABLE TRIGGER",
    "AT_EnableAlwaysTrig": "ENABLE ALWAYS TRIGGER",
    "AT_EnableReplicaTrig": "ENABLE REPLICA TRIGGER",
    "AT_DisableTrig": "DISABLE TRIGGER",
    "AT_EnableTrigAll": "ENABLE TRIGGER ALL",
    "AT_DisableTrigAll": "DISABLE TRIGGER ALL",
    "AT_EnableTrigUser": "ENABLE TRIGGER USER",
    "AT_DisableTrigUser": "DISABLE TRIGGER USER",
    "AT_EnableRule": "ENABLE RULE",
    "AT_EnableAlwaysRule": "ENABLE ALWAYS RULE",
    "AT_EnableReplicaRule": "ENABLE REPLICA RULE",
    "AT_DisableRule": "DISABLE RULE",
    "AT_AddInherit": "INHERIT",
    "AT_DropInherit": "NO INHERIT",
    "AT_AddOf": "OF",
    "AT_DropOf": "NOT OF",
    "AT_ReplicaIdentity": "REPLICA IDENTITY",
    "AT_EnableRowSecurity": "ENABLE ROW SECURITY",
    "AT_DisableRowSecurity": "DISABLE ROW SECURITY",
    "AT_ForceRowSecurity": "FORCE ROW SECURITY",
    "AT_NoForceRowSecurity": "NO FORCE ROW SECURITY",
    "AT_GenericOptions": "OPTIONS",
    "AT_AttachPartition": "ATTACH PARTITION",
    "AT_DetachPartition": "DETACH PARTITION",
    "AT_DetachPartitionFinalize": "DETACH PARTITION ... FINALIZE",
    "AT_AddIdentity": "ALTER COLUMN ... ADD IDENTITY",
    "AT_SetIdentity": "ALTER COLUMN ... SET",
    "AT_DropIdentity": "ALTER COLUMN ... DROP IDENTITY",
}
# rec, docs, lint, grammar: sub-commands that run.
ALLOWED = frozenset(
    [
        "AT_ColumnDefault",
        "AT_DropNotNull",
        "AT_DropExpression",
        "AT_DropIdentity",
        "AT_SetStorage",
        "AT_AlterConstraint",
        "AT_ChangeOwner",
        "AT_EnableTrigAll",
        "AT_DisableTrigAll",
        "AT_EnableTrigUser",
        "AT_DisableTrigUser",
    ]
)
LATER_VALID = frozenset({"CONSTR_FOREIGN", "CONSTR_CHECK"})


def alter_table(node: Any, context: RuleContext) -> Refusal | None:
    """The first sub-command that is refused; ALTER TYPE comes by the same node."""
    if node.objtype.name == "OBJECT_TYPE":
        return facts.NODE_TEXTS["AlterType"].refusal()
    return first(_command(node, command, context) for command in node.cmds)


def _command(node: Any, command: Any, context: RuleContext) -> Refusal | None:
    name = command.subtype.name
    if name in ALLOWED:
        return None
    rule = RULES.get(name)
    return rule(node, command, context) if rule else _refused(name)


def _refused(name: str) -> Refusal:
    return facts.ALTER_TABLE.refusal(NAMES.get(name, name.removeprefix("AT_")))


def _add_column(node: Any, command: Any, context: RuleContext) -> Refusal | None:
    if command.def_.constraints:
        return facts.ADD_COLUMN.refusal()
    return column(command.def_, context) or _column_count(node, context)


def _column_count(node: Any, context: RuleContext) -> Refusal | None:
    table = context.table(node.relation.schemaname, node.relation.relname)
    changes = [command.subtype.name for command in node.cmds]
    count = changes.count("AT_AddColumn") - changes.count("AT_DropColumn") + len(table.columns if table else ())
    return facts.TABLE_COLUMNS.refusal() if count > facts.MAX_COLUMNS else None


def _add_constraint(_node: Any, command: Any, _context: RuleContext) -> Refusal | None:
    constraint = command.def_
    kind = constraint.contype.name
    not_valid = kind in LATER_VALID and constraint.skip_validation
    using_index = kind == "CONSTR_UNIQUE" and constraint.indexname and not strings(constraint.keys)
    return None if not_valid or using_index else _refused("AT_AddConstraint")


def _drop_column(node: Any, command: Any, context: RuleContext) -> Refusal | None:
    table = context.table(node.relation.schemaname, node.relation.relname)
    if table is not None and command.name in table.primary_key:
        return facts.DROP_KEY_COLUMN.refusal(command.name)
    return None


def _drop_constraint(node: Any, command: Any, context: RuleContext) -> Refusal | None:
    table = context.table(node.relation.schemaname, node.relation.relname)
    key = table and next((index.name for index in table.unique_indexes if index.primary), None)
    return _refused("AT_DropConstraint") if key and key == command.name else None


def _add_identity(node: Any, command: Any, context: RuleContext) -> Refusal | None:
    table = context.table(node.relation.schemaname, node.relation.relname)
    found = table and table.by_name.get(command.name)
    if found and found.type != "bigint":
        return facts.IDENTITY_TYPE.refusal(found.type)
    return sequence_options(command.def_.options, facts.IDENTITY_CACHE)


def _set_identity(_node: Any, command: Any, _context: RuleContext) -> Refusal | None:
    return cache_size(command.def_)


def _set_options(node: Any, command: Any, _context: RuleContext) -> Refusal | None:
    return None if node.objtype.name == "OBJECT_VIEW" else _refused(command.subtype.name)


def _validate(_node: Any, _command_node: Any, context: RuleContext) -> Refusal | None:
    return None if context.asynchronous else _refused("AT_ValidateConstraint")


RULES: dict[str, Callable[[Any, Any, RuleContext], Refusal | None]] = {
    "AT_AddColumn": _add_column,
    "AT_AddConstraint": _add_constraint,
    "AT_AddIdentity": _add_identity,
    "AT_DropColumn": _drop_column,
    "AT_DropConstraint": _drop_constraint,
    "AT_ResetRelOptions": _set_options,
    "AT_SetIdentity": _set_identity,
    "AT_SetRelOptions": _set_options,
    "AT_ValidateConstraint": _validate,
}
