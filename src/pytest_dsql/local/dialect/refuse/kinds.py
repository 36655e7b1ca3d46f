"""What a statement is, before anyone asks whether it is allowed."""

from dataclasses import dataclass
from typing import Any

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.parse.nodes import constant, option, tag
from pytest_dsql.local.dialect.refuse.context import RuleContext
from pytest_dsql.local.dialect.statement import (
    AsyncIndex,
    AsyncValidation,
    ConstraintModes,
    Details,
    Kind,
    Setting,
    Transaction,
)

KINDS = {
    "Select": Kind.QUERY,
    "Insert": Kind.DML,
    "Update": Kind.DML,
    "Delete": Kind.DML,
    "Merge": Kind.DML,
    "VariableShow": Kind.SHOW,
    "Explain": Kind.EXPLAIN,
    "Call": Kind.CALL,
    "Do": Kind.DO,
    "Deallocate": Kind.DEALLOCATE,
    "Vacuum": Kind.ANALYZE,
}
TRANSACTIONS = {
    "TRANS_STMT_BEGIN": (Kind.BEGIN, "BEGIN"),
    "TRANS_STMT_START": (Kind.BEGIN, "START TRANSACTION"),
    "TRANS_STMT_COMMIT": (Kind.COMMIT, "COMMIT"),
    "TRANS_STMT_ROLLBACK": (Kind.ROLLBACK, "ROLLBACK"),
}
TAGS = {Kind.SHOW: "SHOW", Kind.DO: "DO", Kind.CREATE_INDEX_ASYNC: "CREATE INDEX"}
# Everything the service counts as DDL: definitions, comments, grants. rec, skill.
DDL_PREFIXES = ("Create", "Alter", "Drop", "Define", "Comment", "Grant", "Rename", "Index", "View", "Truncate")


@dataclass(frozen=True, slots=True)
class Classified:
    """A statement's kind and what belongs to it."""

    kind: Kind
    tag: str = ""
    counts_as_ddl: bool = False
    writes: bool = False
    changes_search_path: bool = False
    details: Details | None = None


def classify(node: Any, context: RuleContext) -> Classified:
    """The kind of a statement by its parse node."""
    name = tag(node)
    special = SPECIAL.get(name)
    if special:
        return special(node, context)
    kind = KINDS.get(name)
    if kind is None:
        ddl = name.startswith(DDL_PREFIXES)
        return Classified(Kind.DDL if ddl else Kind.OTHER, counts_as_ddl=ddl)
    return Classified(kind, TAGS.get(kind, ""), writes=kind is Kind.DML)


def _transaction(node: Any, _context: RuleContext) -> Classified:
    kind, text = TRANSACTIONS.get(node.kind.name, (Kind.SAVEPOINT, ""))
    item = option(node.options, "transaction_read_only")
    read_only = constant(item.arg) == "1" if item else None
    return Classified(kind, text, details=Transaction(read_only, bool(node.chain)))


def _set(node: Any, _context: RuleContext) -> Classified:
    resets = node.kind.name in ("VAR_RESET", "VAR_RESET_ALL")
    name = node.name.lower() if node.name else None
    values = tuple(constant(item) or "" for item in node.args or ()) if node.kind.name == "VAR_SET_VALUE" else ()
    details = Setting(name, values, bool(node.is_local))
    kind, text = (Kind.RESET, "RESET") if resets else (Kind.SET, "SET")
    return Classified(kind, text, changes_search_path=name in (None, "search_path"), details=details)


def _show(node: Any, _context: RuleContext) -> Classified:
    name = node.name.lower()
    return Classified(Kind.SHOW, "SHOW", details=Setting(name, answer=facts.FIXED_SETTINGS.get(name)))


def _set_constraints(node: Any, _context: RuleContext) -> Classified:
    names = tuple((item.schemaname, item.relname) for item in node.constraints or ())
    return Classified(Kind.SET_CONSTRAINTS, "SET CONSTRAINTS", details=ConstraintModes(bool(node.deferred), names))


def _copy(node: Any, _context: RuleContext) -> Classified:
    return Classified(Kind.COPY_IN, writes=True) if node.is_from else Classified(Kind.COPY_OUT)


def _index(node: Any, context: RuleContext) -> Classified:
    columns = tuple(item.name for item in node.indexParams)
    relation = node.relation
    name, unique, present = node.idxname, bool(node.unique), bool(node.if_not_exists)
    predicate = _behind_where(context) if node.whereClause else None
    details = AsyncIndex(name, relation.schemaname, relation.relname, columns, unique, present, predicate)
    kind = Kind.CREATE_INDEX_ASYNC if context.asynchronous else Kind.DDL
    return Classified(kind, "CREATE INDEX", counts_as_ddl=True, details=details)


def _behind_where(context: RuleContext) -> int:
    source = context.source
    at = source.find(source.index(context.start), len(source.tokens), "WHERE")
    return source.end(at) - context.start


def _alter_table(node: Any, context: RuleContext) -> Classified:
    if not context.asynchronous:
        return Classified(Kind.DDL, counts_as_ddl=True)
    relation = node.relation
    details = AsyncValidation(relation.schemaname, relation.relname, node.cmds[0].name)
    return Classified(Kind.VALIDATE_ASYNC, "ALTER TABLE", counts_as_ddl=True, details=details)


SPECIAL = {
    "Transaction": _transaction,
    "VariableSet": _set,
    "VariableShow": _show,
    "ConstraintsSet": _set_constraints,
    "Copy": _copy,
    "Index": _index,
    "AlterTable": _alter_table,
}
