"""The kinds of policies together: identity, boundary, session, resource; one account and another."""

from typing import Any

import pytest

from pytest_dsql.local.iam import Evaluation, PolicyKind, Principal, allows
from tests.unit.iam.documents import (
    ACCOUNT,
    ACTION,
    ALL,
    ARN,
    OTHER,
    ROLE,
    ROOT,
    SESSION,
    USER,
    document,
    statement,
)

DENY, NONE = Evaluation.EXPLICIT_DENY, Evaluation.NO_ALLOW
NOTHING = document(statement(Action="s3:*"))
DENYING = document(statement("Deny"))
LIMITS: list[tuple[dict[str, Any], Evaluation, PolicyKind | None]] = [
    ({"boundary": ALL}, Evaluation.ALLOWED, None),
    ({"boundary": NOTHING}, NONE, PolicyKind.BOUNDARY),
    ({"boundary": DENYING}, DENY, PolicyKind.BOUNDARY),
    ({"boundary": {}}, DENY, PolicyKind.BOUNDARY),
    ({"boundary": ALL, "policies": ()}, NONE, PolicyKind.IDENTITY),
    ({"session_policies": (ALL,)}, Evaluation.ALLOWED, None),
    ({"session_policies": (NOTHING, ALL)}, Evaluation.ALLOWED, None),
    ({"session_policies": (NOTHING,)}, NONE, PolicyKind.SESSION),
    ({"session_policies": (ALL, DENYING)}, DENY, PolicyKind.SESSION),
    ({"session_policies": (ALL,), "policies": ()}, NONE, PolicyKind.IDENTITY),
    ({"session_policies": (ALL,), "boundary": NOTHING}, NONE, PolicyKind.BOUNDARY),
    ({"arn": ROOT, "policies": ()}, Evaluation.ALLOWED, None),
    ({"arn": f"arn:aws:iam::{OTHER}:root", "account": OTHER, "policies": ()}, NONE, PolicyKind.RESOURCE),
]


@pytest.mark.parametrize(("changes", "expected", "source"), LIMITS)
def test_every_kind_of_policy_has_to_allow(
    changes: dict[str, Any], expected: Evaluation, source: PolicyKind | None
) -> None:
    principal = Principal(**{"arn": SESSION, "account": ACCOUNT, "policies": (ALL,), **changes})
    decision = allows(principal, ACTION, ARN, {})
    assert (decision.evaluation, decision.kind) == (expected, source)
    assert decision.allowed is (expected is Evaluation.ALLOWED)


# Principal element · who asks, with no policy of their own · what an Allow gives · what a Deny gives to who has all.
GRANTS: list[tuple[object, str, Evaluation, Evaluation]] = [
    ("*", USER, Evaluation.ALLOWED, DENY),
    ({"AWS": "*"}, USER, Evaluation.ALLOWED, DENY),
    ({"AWS": USER}, USER, Evaluation.ALLOWED, DENY),
    ({"AWS": [ROLE, USER]}, USER, Evaluation.ALLOWED, DENY),
    ({"AWS": ROLE}, SESSION, Evaluation.ALLOWED, DENY),
    ({"AWS": SESSION}, SESSION, Evaluation.ALLOWED, DENY),
    ({"AWS": SESSION.replace("one", "two")}, SESSION, NONE, Evaluation.ALLOWED),
    ({"AWS": ROLE}, USER, NONE, Evaluation.ALLOWED),
    ({"AWS": ROOT}, USER, NONE, DENY),
    ({"AWS": ACCOUNT}, SESSION, NONE, DENY),
    ({"AWS": OTHER}, USER, NONE, Evaluation.ALLOWED),
    ({"Service": "lambda.amazonaws.com"}, SESSION, NONE, Evaluation.ALLOWED),
    ({"Service": "lambda.amazonaws.com", "AWS": ROLE}, SESSION, Evaluation.ALLOWED, DENY),
    ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/*"}, USER, NONE, DENY),
    ({"AWS": []}, USER, NONE, DENY),
    ({"Everybody": "*"}, USER, NONE, DENY),
    ({}, USER, NONE, DENY),
    (USER, USER, NONE, DENY),
    (None, USER, NONE, DENY),
]


@pytest.mark.parametrize(("element", "arn", "allowed", "denied"), GRANTS)
def test_a_resource_policy_names_principals(element: object, arn: str, allowed: Evaluation, denied: Evaluation) -> None:
    policy = document(statement(Principal=element, Resource="*"))
    assert allows(Principal(arn, ACCOUNT), ACTION, ARN, {}, policy).evaluation is allowed
    policy = document(statement("Deny", Principal=element))
    assert allows(Principal(arn, ACCOUNT, (ALL,)), ACTION, ARN, {}, policy).evaluation is denied


def test_not_principal_is_not_known() -> None:
    assert allows(Principal(USER, ACCOUNT), ACTION, ARN, {}, document(statement(NotPrincipal="*"))).evaluation is NONE
    denying = document(statement("Deny", NotPrincipal={"AWS": USER}))
    assert allows(Principal(USER, ACCOUNT, (ALL,)), ACTION, ARN, {}, denying).evaluation is DENY


@pytest.mark.parametrize(
    ("element", "arn", "expected"),
    [
        ("*", USER, NONE),
        ({"AWS": ROLE}, SESSION, NONE),
        ({"AWS": USER}, USER, Evaluation.ALLOWED),
        ({"AWS": SESSION}, SESSION, Evaluation.ALLOWED),
    ],
)
def test_only_a_direct_grant_passes_a_boundary(element: object, arn: str, expected: Evaluation) -> None:
    policy = document(statement(Principal=element))
    assert allows(Principal(arn, ACCOUNT, boundary=NOTHING), ACTION, ARN, {}, policy).evaluation is expected
    assert allows(Principal(arn, ACCOUNT, boundary=DENYING), ACTION, ARN, {}, policy).evaluation is DENY


@pytest.mark.parametrize(
    ("element", "policies", "source"),
    [
        ({"AWS": OTHER}, (ALL,), None),
        ("*", (ALL,), None),
        ({"AWS": f"arn:aws:iam::{OTHER}:user/eve"}, (), PolicyKind.IDENTITY),
        ({"AWS": ACCOUNT}, (ALL,), PolicyKind.RESOURCE),
    ],
)
def test_another_account_needs_both_sides(element: object, policies: tuple[Any], source: PolicyKind | None) -> None:
    stranger = Principal(f"arn:aws:iam::{OTHER}:user/eve", OTHER, policies)
    assert allows(stranger, ACTION, ARN, {}, document(statement(Principal=element))).kind is source
