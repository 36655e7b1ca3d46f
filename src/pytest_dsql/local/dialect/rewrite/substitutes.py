"""Calls that stand for statements which PostgreSQL does not have or would answer otherwise."""

from pytest_dsql.local.dialect.parse.text import literal, quote
from pytest_dsql.local.dialect.statement import (
    AsyncIndex,
    AsyncValidation,
    ConstraintModes,
    IamMapping,
    Kind,
    Refusal,
    Setting,
    Statement,
)

Argument = str | bool | int | list[str] | None


def call(function: str, *arguments: Argument) -> str:
    """Write the call of a function with literal arguments."""
    return f"{function}({', '.join(map(_written, arguments))})"


def _written(argument: Argument) -> str:
    if argument is None:
        return "NULL"
    if isinstance(argument, int):
        return str(argument).lower()
    if isinstance(argument, str):
        return literal(argument)
    return f"ARRAY[{', '.join(map(literal, argument))}]::text[]"


def refusing(refusal: Refusal) -> str:
    """Write the call that raises a refusal."""
    return call("occ.refuse", refusal.sqlstate, refusal.message, refusal.detail, refusal.hint)


def fixed_answer(statement: Statement) -> str | None:
    """Return the query that gives the fixed answer to a SHOW, None where PostgreSQL's own will do."""
    match statement.details:
        case Setting(name=str(name), answer=str(answer)) if statement.kind is Kind.SHOW:
            return f"SELECT {literal(answer)} AS {quote(name)}"
    return None


def substitute(statement: Statement) -> str | None:
    """Return the call that does what a statement says, None where PostgreSQL runs the statement itself."""
    function, arguments = "", tuple[Argument, ...]()
    match statement.kind, statement.details:
        case Kind.IAM_GRANT | Kind.IAM_REVOKE as kind, IamMapping(role, arn):
            function, arguments = ("sys.iam_grant" if kind is Kind.IAM_GRANT else "sys.iam_revoke"), (role, arn)
        case Kind.CREATE_INDEX_ASYNC, AsyncIndex(name=name, schema=schema, table=table, predicate=predicate):
            function, arguments = "occ.submit_index", (statement.sql, name, schema, table, predicate)
        case Kind.VALIDATE_ASYNC, AsyncValidation(schema, table, constraint):
            function, arguments = "occ.submit_validation", (schema, table, constraint)
        case Kind.SET_CONSTRAINTS, ConstraintModes(deferred, names):
            # PostgreSQL itself must not hear of it: the engine's own trigger is deferred, too.
            qualified = [".".join(map(quote, filter(None, name))) for name in names]
            function, arguments = "occ.set_constraints", (deferred, qualified)
        case Kind.RESET, Setting(name=None):
            function = "occ.reset_all"
    return call(function, *arguments) if function else None
