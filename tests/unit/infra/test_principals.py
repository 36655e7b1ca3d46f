"""Roles as moto has them, and what their permissions boundaries leave of their policies."""

import json
import uuid
from collections.abc import Callable, Iterator

import pytest

from infra.stand_in import LocalCloud
from pytest_dsql.local.aws.principals import NOTHING, IamPrincipals
from pytest_dsql.local.iam.principals import Document
from tests.fix_aws import ACCOUNT

Boundary = Callable[[str], Document | None]


@pytest.fixture
def boundary(aws: LocalCloud) -> Iterator[Boundary]:
    """Make a role with a permissions boundary, and return what the boundary allows."""
    iam, made = aws.client("iam"), list[str]()

    def boundary(arn: str) -> Document | None:
        made.append(f"test-{uuid.uuid4().hex[:8]}")
        role = iam.create_role(RoleName=made[-1], AssumeRolePolicyDocument="{}", PermissionsBoundary=arn)["Role"]
        principal = IamPrincipals(ACCOUNT).role(role["Arn"])
        assert principal
        return principal.boundary

    yield boundary
    for name in made:
        iam.delete_role(RoleName=name)


def test_a_boundary_may_be_a_policy_of_the_account(aws: LocalCloud, boundary: Boundary) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dsql:*", "Resource": "*"}]}
    made = aws.client("iam").create_policy(PolicyName=uuid.uuid4().hex, PolicyDocument=json.dumps(document))
    assert boundary(made["Policy"]["Arn"]) == document
    aws.client("iam").delete_policy(PolicyArn=made["Policy"]["Arn"])


def test_a_boundary_may_be_a_policy_of_aws(boundary: Boundary) -> None:
    allowed = boundary("arn:aws:iam::aws:policy/AdministratorAccess")
    assert allowed
    assert allowed["Statement"] == [{"Action": "*", "Effect": "Allow", "Resource": "*"}]


def test_a_boundary_that_is_gone_allows_nothing(boundary: Boundary) -> None:
    assert boundary(f"arn:aws:iam::{ACCOUNT}:policy/deleted") == NOTHING
