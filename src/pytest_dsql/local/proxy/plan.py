"""From a statement to what PostgreSQL is sent for it, and how its answer is shown."""

from dataclasses import dataclass, field
from typing import Final

from pytest_dsql.local.dialect import (
    Explanation,
    Kind,
    Refusal,
    Statement,
    call,
    facts,
    fixed_answer,
    literal,
    refusing,
    substitute,
)
from pytest_dsql.local.occ.words import AS_COMMITTED_SETTING

_TAGS: Final = {
    Kind.IAM_GRANT: "AWS IAM GRANT",
    Kind.IAM_REVOKE: "AWS IAM REVOKE",
    Kind.CREATE_INDEX_ASYNC: "CREATE INDEX",
    Kind.VALIDATE_ASYNC: "ALTER TABLE",
    Kind.SET_CONSTRAINTS: "SET CONSTRAINTS",
    Kind.RESET: "RESET",
}
_JOBS: Final = frozenset({Kind.CREATE_INDEX_ASYNC, Kind.VALIDATE_ASYNC})
_REMARKABLE: Final = _JOBS | {Kind.RESET, Kind.DEALLOCATE}


@dataclass(frozen=True, slots=True)
class Plan:
    """Text to send, and what to change in the answer: hidden columns, rows, or another command tag.

    Of a ``relayed`` one nothing is to change, and its statement changes nothing for others or for its session. What is
    ``kept`` is hidden, and part of the answer to an ``explanation`` that follows.
    """

    sql: str
    statement: Statement | None = None
    hide_columns: int = 0
    hide_rows: bool = False
    insert_tag: bool = False
    tag: str = ""
    hidden: bool = False
    kept: bool = False
    explanation: Explanation | None = None
    changes_answer: bool = field(init=False)
    relayed: bool = field(init=False)

    @property
    def verb(self) -> str:
        """What PostgreSQL would call the statement, where it was sent another; empty where it was not."""
        if self.insert_tag:
            return "INSERT"
        original = self.statement.original.lower() if self.statement and self.hide_columns else ""
        return f"SELECT FOR {'UPDATE' if 'update' in original else 'KEY SHARE'}" if original else ""

    def __post_init__(self) -> None:
        changes = bool(self.hide_columns or self.hide_rows or self.insert_tag or self.tag or self.hidden)
        changes = changes or self.explanation is not None
        object.__setattr__(self, "changes_answer", changes)
        object.__setattr__(self, "relayed", not changes and self.statement is not None and _is_simple(self.statement))


def _is_simple(statement: Statement) -> bool:
    remarkable = statement.refusal or statement.counts_as_ddl or statement.changes_search_path
    return not remarkable and statement.kind not in _REMARKABLE


def refuse(refusal: Refusal) -> Plan:
    """Let PostgreSQL itself raise the refusal, so that the transaction fails as it would for any error."""
    return Plan(f"SELECT {refusing(refusal)}")


def fail_at_commit(refusal: Refusal) -> Plan:
    """Let PostgreSQL raise the refusal when the transaction commits."""
    text = call("occ.fail_at_commit", refusal.sqlstate, refusal.message, refusal.detail, refusal.hint)
    return Plan(f"SELECT {text}", hidden=True)


def tell(*, ddl: bool, dml: bool) -> Plan:
    """Let the bodies of routines know what the transaction has done before."""
    return Plan(f"SELECT {call('occ.tell', ddl, dml)}", hidden=True)


BEGIN = Plan("BEGIN", hidden=True)
SNAPSHOT = Plan("SELECT WHERE false", hidden=True)
"""Behind a BEGIN: the service takes a transaction's snapshot there (user guide of 2026-11), PostgreSQL later."""
ROLLBACK = Plan("ROLLBACK", hidden=True)
SEE_LATEST = Plan("SET transaction_isolation = 'read committed'", hidden=True)
"""Before a schema change: what it waits for has mostly changed the catalog, and the engine has to see that."""


_SHOWN_PLANS: Final = {AS_COMMITTED_SETTING: "on", **facts.PLANNER_SETTINGS}
"""For plans that are shown: of what is committed, with the scans that the service has."""
_RESET: Final = "SELECT set_config(name, reset_val, true) FROM pg_settings WHERE name IN"
_AS_BEFORE: Final = (
    f"SELECT {call('set_config', AS_COMMITTED_SETTING, '', 'true')}"
    f" UNION ALL {_RESET} ({', '.join(map(literal, facts.PLANNER_SETTINGS))})"
)
AS_COMMITTED: Final = Plan(
    f"SELECT {', '.join(call('set_config', *pair, 'true') for pair in _SHOWN_PLANS.items())}", hidden=True
)
AS_BEFORE: Final = (Plan(_AS_BEFORE, hidden=True), Plan("DISCARD PLANS", hidden=True))
"""Behind it; a plan that a routine's body has kept meanwhile would be of what is committed for ever."""


def steps(planned: Plan) -> list[Plan]:
    """Return what is run for a statement, one after the other: more than itself where its plan is to be shown."""
    executed = planned.explanation and planned.explanation.executed
    if planned.explanation is None:
        return [planned]
    return [*([Plan(executed, hidden=True, kept=True)] if executed else []), AS_COMMITTED, planned, *AS_BEFORE]


def of(statement: Statement) -> Plan:
    """Return the plan of a statement that no rule refuses."""
    if isinstance(statement.details, Explanation):
        return Plan(statement.sql, statement, explanation=statement.details)
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
    """Return the SELECT that stands for a statement PostgreSQL does not have or would answer otherwise."""
    if answer := fixed_answer(statement):
        return Plan(answer, statement, tag="SHOW")
    stands_for, kind = substitute(statement), statement.kind
    if kind in _JOBS:
        return Plan(f"SELECT {stands_for} AS job_id", statement, tag=_TAGS[kind])
    return Plan(f"SELECT {stands_for}", statement, hide_rows=True, tag=_TAGS[kind]) if stands_for else None
