"""Policy documents of clusters: what is one, and what it says of its own writer."""

import json
from collections.abc import Mapping
from typing import Any, Final

from pytest_dsql.local.aws.dsql import facts
from pytest_dsql.local.aws.dsql.errors import Invalid
from pytest_dsql.local.iam import policies
from pytest_dsql.local.iam.principals import Document, Principal

_ELEMENTS: Final = frozenset(
    {"Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)


def parsed(text: str) -> Document:
    """Return a policy document; raise Invalid where the text is none."""
    try:
        document = json.loads(text)
    except ValueError:
        raise Invalid("The policy is not valid JSON.", "cannotParse") from None
    problem = _problem(document)
    if problem:
        raise Invalid(f"The policy is not a valid policy document: {problem}", "fieldValidationFailed")
    return dict(document)


def effective(policy: str | None) -> Document | None:
    """Return a cluster's policy, which it may not have, as it is judged by; raise Invalid as above."""
    return None if policy is None else parsed(policy)


def _problem(document: Any) -> str | None:
    if not isinstance(document, Mapping):
        return "it is not an object."
    if unknown := document.keys() - {"Version", "Id", "Statement"}:
        return f"it has the unknown element {min(unknown)}."
    if document.get("Version") not in {"2012-10-17", "2008-10-17"}:
        return "its Version is neither 2012-10-17 nor 2008-10-17."
    statements = document.get("Statement")
    listed = statements if isinstance(statements, list) else [statements]
    if not listed:
        return "it has no Statement."
    return next(filter(None, map(_wrong, listed)), None)


def _wrong(statement: Any) -> str | None:
    """Say what is wrong with a statement of a resource's policy, None where nothing is."""
    if not isinstance(statement, Mapping):
        return "a Statement is not an object."
    if unknown := statement.keys() - _ELEMENTS:
        return f"a Statement has the unknown element {min(unknown)}."
    if statement.get("Effect") not in ("Allow", "Deny"):
        return "a Statement's Effect is neither Allow nor Deny."
    if not isinstance(statement.get("Principal"), str | Mapping) or not statement["Principal"]:
        return "a Statement has no Principal."
    for element in ("Action", "Resource"):
        names = {element, f"Not{element}"} & statement.keys()
        if len(names) != 1 or not _texts(statement[names.pop()]):
            return f"a Statement must have one of {element} and Not{element}, a text or a list of texts."
    actions = _texts(statement.get("Action", "*"))
    foreign = next((each for each in actions if each != "*" and not each.lower().startswith("dsql:")), None)
    return f"the action {foreign} is not one of Aurora DSQL." if foreign else None


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return listed if all(isinstance(each, str) and each for each in listed) else []


def check_lockout(document: Document, caller: Principal, arn: str) -> None:
    """Raise Invalid where the policy keeps its own writer from ever changing it again."""
    if not policies.allows(caller, "dsql:PutClusterPolicy", arn, {}, document).allowed:
        raise Invalid(facts.LOCKOUT)
