"""The account that Lambda's stand-in works for: what a function's role may do, it does."""

import gc
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from moto.logs.models import LogEvent

from infra.local.attach import LocalCloud
from infra.local.aws.account import KEPT_EVENTS, MotoAccount
from tests.fix_aws import ACCOUNT, REGION

TRUST: Final = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
LOGS: Final = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def function(aws: LocalCloud, zipped: Path) -> Iterator[str]:
    """A function with a log group; its role, of the same name, may do nothing."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    iam, functions, logs = aws.client("iam"), aws.client("lambda"), aws.client("logs")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(TRUST))["Role"]["Arn"]
    code = {"ZipFile": zipped.read_bytes()}
    functions.create_function(FunctionName=name, Runtime="python3.13", Role=role, Handler="transfer.f", Code=code)
    logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
    yield name
    logs.delete_log_group(logGroupName=f"/aws/lambda/{name}")
    functions.delete_function(FunctionName=name)
    iam.delete_role(RoleName=name)


@pytest.fixture
def policy(aws: LocalCloud) -> Iterator[str]:
    """A managed policy that lets logs be written."""
    made = aws.client("iam").create_policy(PolicyName=f"test-{uuid.uuid4().hex[:8]}", PolicyDocument=document(LOGS))
    yield made["Policy"]["Arn"]
    aws.client("iam").delete_policy(PolicyArn=made["Policy"]["Arn"])


def written(aws: LocalCloud, function: str) -> list[str]:
    """Write a line as the function's role, and return what is in the log."""
    group = f"/aws/lambda/{function}"
    MotoAccount(ACCOUNT, REGION, dict).write_logs(group, "stream", [(int(time.time() * 1000), "a line")])
    return [event["message"] for event in aws.client("logs").filter_log_events(logGroupName=group)["events"]]


def test_a_role_without_policies_writes_no_logs(aws: LocalCloud, function: str) -> None:
    assert written(aws, function) == []


def test_an_inline_policy_counts(aws: LocalCloud, function: str) -> None:
    iam = aws.client("iam")
    iam.put_role_policy(RoleName=function, PolicyName="Logs", PolicyDocument=document(LOGS))
    assert written(aws, function) == ["a line"]
    iam.delete_role_policy(RoleName=function, PolicyName="Logs")


def test_an_attached_managed_policy_counts(aws: LocalCloud, function: str, policy: str) -> None:
    iam = aws.client("iam")
    iam.attach_role_policy(RoleName=function, PolicyArn=policy)
    assert written(aws, function) == ["a line"]
    iam.detach_role_policy(RoleName=function, PolicyArn=policy)


def test_a_long_storms_log_does_not_fill_the_memory(aws: LocalCloud, function: str) -> None:
    iam, line = aws.client("iam"), uuid.uuid4().hex
    iam.put_role_policy(RoleName=function, PolicyName="Logs", PolicyDocument=document(LOGS))
    account, lines = MotoAccount(ACCOUNT, REGION, dict), [(int(time.time() * 1000), line)] * 1_000
    for _ in range(5):
        account.write_logs(f"/aws/lambda/{function}", "long", lines)
    events = [each for each in gc.get_objects() if isinstance(each, LogEvent)]
    assert sum(each.message == line for each in events) == KEPT_EVENTS
    iam.delete_role_policy(RoleName=function, PolicyName="Logs")
