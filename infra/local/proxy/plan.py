"""From a statement to what PostgreSQL is sent for it, and how its answer is shown."""

from dataclasses import dataclass, field
from typing import Final

from psycopg import sql as composed

from infra.local.dialect import (
    AsyncIndex,
    AsyncValidation,
    ConstraintModes,
    IamMapping,
    Kind,
    Refusal,
    Setting,
    Statement,
)

_REMARKABLE: Final = frozenset({Kind.RESET, Kind.CREATE_INDEX_ASYNC, Kind.VALIDATE_ASYNC})


@dataclass(frozen=True, slots=True)
class Plan:
    """Text to send, and what to change in the answer: hidden columns, rows, or another command tag.

    Of a ``relayed`` one nothing is to change, and its statement changes nothing for others or for its session.
    """

    sql: str
    statement: Statement | None = None
    hide_columns: int = 0
    hide_rows: bool = False
    insert_tag: bool = False
    tag: str = ""
    hidden: bool = False
    changes_answer: bool = field(init=False)
    relayed: bool = field(init=False)

    def __post_init__(self) -> None:
        changes = bool(self.hide_columns or self.hide_rows or self.insert_tag or self.tag or self.hidden)
        object.__setattr__(self, "changes_answer", changes)
        object.__setattr__(self, "relayed", not changes and self.statement is not None and _is_simple(self.statement))


def _is_simple(statement: Statement) -> bool:
    remarkable = statement.refusal or statement.counts_as_ddl or statement.changes_search_path
    return not remarkable and statement.kind not in _REMARKABLE


def call(function: str, *arguments: str | bool | int | list[str] | None) -> str:
    """Write the SELECT of a function of literal arguments."""
    literals = composed.SQL(", ").join(composed.Literal(argument) for argument in arguments)
    return composed.SQL("SELECT {}({})").format(composed.SQL(function), literals).as_string()


def refuse(refusal: Refusal) -> Plan:
    """Let PostgreSQL itself raise the refusal, so that the transaction fails as it would for any error."""
    return Plan(call("occ.refuse", refusal.sqlstate, refusal.message, refusal.detail, refusal.hint))


def fail_at_commit(refusal: Refusal) -> Plan:
    """Let PostgreSQL raise the refusal when the transaction commits."""
    text = call("occ.fail_at_commit", refusal.sqlstate, refusal.message, refusal.detail, refusal.hint)
    return Plan(text, hidden=True)


BEGIN = Plan("BEGIN", hidden=True)
SEE_LATEST = Plan("SET transaction_isolation = 'read committed'", hidden=True)
"""Before a schema change: what it waits for has mostly changed the catalog, and the engine has to see that."""


def of(statement: Statement) -> Plan:
    """Return the plan of a statement that no rule refuses."""
    if statement.details:
        return _substitute(statement) or Plan(statement.sql, statement)
    return Plan(
        statement.sql,
        statement,
        hide_columns=statement.hide_last_columns,
        hide_rows=statement.hide_rows,
        insert_tag=statement.tag_as_insert,
    )


def _substitute(statement: Statement) -> Plan | None:
    """Return the call that stands for a statement PostgreSQL does not have or would answer otherwise."""
    select, hide, tag = "", False, ""
    match statement.kind, statement.details:
        case Kind.IAM_GRANT, IamMapping(role, arn):
            select, hide, tag = call("sys.iam_grant", role, arn), True, "AWS IAM GRANT"
        case Kind.IAM_REVOKE, IamMapping(role, arn):
            select, hide, tag = call("sys.iam_revoke", role, arn), True, "AWS IAM REVOKE"
        case Kind.CREATE_INDEX_ASYNC, AsyncIndex(name=name, schema=schema, table=table, predicate=predicate):
            select = call("occ.submit_index", statement.sql, name, schema, table, predicate) + " AS job_id"
            tag = "CREATE INDEX"
        case Kind.VALIDATE_ASYNC, AsyncValidation(schema, table, constraint):
            select = call("occ.submit_validation", schema, table, constraint) + " AS job_id"
            tag = "ALTER TABLE"
        case Kind.SET_CONSTRAINTS, ConstraintModes(deferred, names):
            # PostgreSQL itself must not hear of it: the engine's own trigger is deferred, too.
            qualified = [composed.Identifier(*filter(None, name)).as_string() for name in names]
            select, hide, tag = call("occ.set_constraints", deferred, qualified), True, "SET CONSTRAINTS"
        case Kind.RESET, Setting(name=None):
            select, hide, tag = call("occ.reset_all"), True, "RESET"
        case Kind.SHOW, Setting(name=str(name), answer=str(answer)):
            shown = composed.SQL("SELECT {} AS {}").format(composed.Literal(answer), composed.Identifier(name))
            select, tag = shown.as_string(), "SHOW"
    return Plan(select, statement, hide_rows=hide, tag=tag) if select else None
