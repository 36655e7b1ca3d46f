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

from infra.stand_in import LocalCloud
from pytest_dsql.local.aws.account import KEPT_EVENTS, MotoAccount
from pytest_dsql.local.aws.functions import Functions
from pytest_dsql.local.functions.invoke.errors import FunctionNotFound, InvalidParameter
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
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
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


@pytest.mark.parametrize("refusal", [{"Principal": {"Service": "ec2.amazonaws.com"}}, {"Effect": "Deny"}])
def test_a_role_that_does_not_trust_lambda_is_not_assumed(
    aws: LocalCloud, function: str, refusal: dict[str, Any]
) -> None:
    iam, account = aws.client("iam"), MotoAccount(ACCOUNT, REGION, dict)
    role = iam.get_role(RoleName=function)["Role"]["Arn"]
    assert account.credentials(role, "it").session_token
    iam.update_assume_role_policy(RoleName=function, PolicyDocument=document({**TRUST, **refusal}))
    with pytest.raises(InvalidParameter, match="cannot be assumed by Lambda"):
        account.credentials(role, "it")


def test_another_role_is_another_revision(aws: LocalCloud, function: str) -> None:
    account = MotoAccount(ACCOUNT, REGION, dict)
    before = account.function(function, None)
    assert account.function(function, None).revision == before.revision
    aws.client("lambda").update_function_configuration(FunctionName=function, Role=f"{before.role}-other")
    assert account.function(function, None).revision != before.revision


def test_sessions_that_are_ended_leave_no_environment_warm(aws: LocalCloud, function: str) -> None:
    account = MotoAccount(ACCOUNT, REGION, dict)
    before = account.function(function, None)
    account.credentials(before.role, "it")
    assert account.expire_sessions(before.role) == 1
    assert account.function(function, None).revision != before.revision


def test_a_group_is_made_only_where_the_role_may(aws: LocalCloud, function: str) -> None:
    iam, logs, group = aws.client("iam"), aws.client("logs"), f"/aws/lambda/{function}"
    logs.delete_log_group(logGroupName=group)
    iam.put_role_policy(RoleName=function, PolicyName="Logs", PolicyDocument=document(LOGS))
    MotoAccount(ACCOUNT, REGION, dict).write_logs(group, "stream", [(int(time.time() * 1000), "a line")])
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []
    iam.put_role_policy(RoleName=function, PolicyName="Logs", PolicyDocument=document({**LOGS, "Action": "logs:*"}))
    assert written(aws, function) == ["a line"]
    iam.delete_role_policy(RoleName=function, PolicyName="Logs")


@pytest.mark.parametrize("reference", ["missing", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:missing"])
def test_a_missing_function_is_named_by_its_arn(aws: LocalCloud, reference: str) -> None:
    named = f"Function not found: arn:aws:lambda:{REGION}:{ACCOUNT}:function:missing:1$"
    with pytest.raises(FunctionNotFound, match=named):
        MotoAccount(ACCOUNT, REGION, dict).function(reference, "1")


def test_what_a_deleted_function_wrote_last_is_dropped(aws: LocalCloud) -> None:
    MotoAccount(ACCOUNT, REGION, dict).write_logs("/aws/lambda/deleted", "stream", [(0, "a line")])
    assert aws.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/deleted")["logGroups"] == []


def test_who_runs_functions_hears_of_deleted_ones_but_not_of_versions(
    aws: LocalCloud, zipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(Functions, "deleted", [heard.append])
    name, client = f"test-{uuid.uuid4().hex[:8]}", aws.client("lambda")
    role = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document(TRUST))["Role"]["Arn"]
    code = {"ZipFile": zipped.read_bytes()}
    arn = client.create_function(FunctionName=name, Runtime="python3.13", Role=role, Handler="a.f", Code=code)
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    client.delete_function(FunctionName=name, Qualifier=client.publish_version(FunctionName=name)["Version"])
    assert heard == []
    client.delete_function(FunctionName=name)
    assert heard == [arn["FunctionArn"]]
    aws.client("iam").delete_role(RoleName=name)


@pytest.mark.parametrize("statement", [TRUST, [TRUST]], ids=["one", "list"])
def test_a_trust_policy_has_a_statement_or_a_list_of_them(aws: LocalCloud, function: str, statement: Any) -> None:
    iam = aws.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.update_assume_role_policy(RoleName=function, PolicyDocument=trust)
    role = iam.get_role(RoleName=function)["Role"]["Arn"]
    assert MotoAccount(ACCOUNT, REGION, dict).credentials(role, function).access_key_id.startswith("ASIA")
