"""Who may call the stand-in's control plane: keys, signatures, policies, trust."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.cloud import Cloud
from tests.formation import TRUST

ACCOUNT: Final = "123456789012"
Client = Callable[..., Any]


def allow(*actions: str, resource: str = "*", effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Action": [*actions], "Resource": resource}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements]})


def connected(cloud: Cloud, service: str, key: str, secret: str, token: str | None = None, **more: Any) -> Any:
    reach = {"region_name": cloud.region, "endpoint_url": cloud.environment["AWS_ENDPOINT_URL"]}
    session = boto3.Session(key, secret, token)
    return session.client(service, **reach, **more)


@pytest.fixture
def user(stand_in: Cloud) -> Iterator[tuple[str, Client]]:
    """A user without policies: his name, and clients of his."""
    iam, name = stand_in.client("iam"), f"test-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    yield name, lambda service: connected(stand_in, service, key["AccessKeyId"], key["SecretAccessKey"])
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


def code(call: Callable[..., Any], **asked: Any) -> str:
    """Call what must be refused; return the code."""
    with pytest.raises(ClientError) as caught:
        call(**asked)
    return str(caught.value.response["Error"]["Code"])


CALLS: Final[dict[str, tuple[str, dict[str, Any], tuple[str, str, str]]]] = {
    "dsql": (
        "list_clusters",
        {},
        ("UnrecognizedClientException", "InvalidSignatureException", "AccessDeniedException"),
    ),
    "lambda": (
        "list_functions",
        {},
        ("UnrecognizedClientException", "InvalidSignatureException", "AccessDeniedException"),
    ),
    "logs": (
        "describe_log_groups",
        {},
        ("UnrecognizedClientException", "InvalidSignatureException", "AccessDeniedException"),
    ),
    "cloudformation": ("list_stacks", {}, ("InvalidClientTokenId", "SignatureDoesNotMatch", "AccessDenied")),
    "iam": ("list_roles", {}, ("InvalidClientTokenId", "SignatureDoesNotMatch", "AccessDenied")),
    "s3": ("list_buckets", {}, ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied")),
    "sts": (
        "assume_role",
        {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody", "RoleSessionName": "it"},
        ("InvalidClientTokenId", "SignatureDoesNotMatch", "AccessDenied"),
    ),
}


@pytest.mark.parametrize("service", CALLS)
def test_every_service_asks_who_calls_and_whether_he_may(
    stand_in: Cloud, user: tuple[str, Client], service: str
) -> None:
    call, asked, codes = CALLS[service]
    his = user[1](service)
    key = his._request_signer._credentials.access_key
    unknown = connected(stand_in, service, "AKIA0000000000000000", "x")
    wrong = connected(stand_in, service, key, "x")
    assert tuple(code(getattr(each, call), **asked) for each in (unknown, wrong, his)) == codes


def test_what_a_policy_allows_can_be_done_and_nothing_else(stand_in: Cloud, user: tuple[str, Client]) -> None:
    name, client = user
    statement = allow("dsql:ListClusters", "s3:ListAllMyBuckets", "iam:GetUser", "lambda:List*")
    stand_in.client("iam").put_user_policy(UserName=name, PolicyName="It", PolicyDocument=document(statement))
    client("dsql").list_clusters()
    client("s3").list_buckets()
    client("lambda").list_functions()
    assert client("iam").get_user(UserName=name)["User"]["UserName"] == name
    assert code(client("dsql").create_cluster) == "AccessDeniedException"
    assert code(client("iam").list_users) == "AccessDenied"


def test_a_policy_of_awss_own_allows_what_it_says(stand_in: Cloud, user: tuple[str, Client]) -> None:
    name, client = user
    policy = "arn:aws:iam::aws:policy/AmazonAuroraDSQLReadOnlyAccess"
    stand_in.client("iam").attach_user_policy(UserName=name, PolicyArn=policy)
    client("dsql").list_clusters()
    assert code(client("dsql").create_cluster) == "AccessDeniedException"
    stand_in.client("iam").detach_user_policy(UserName=name, PolicyArn=policy)


def test_a_policy_may_be_about_one_thing(stand_in: Cloud, user: tuple[str, Client]) -> None:
    name, client = user
    mine = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}:*"
    statements = allow("logs:*", resource=mine), allow("s3:PutObject", resource="arn:aws:s3:::mine/a/*")
    stand_in.client("iam").put_user_policy(UserName=name, PolicyName="It", PolicyDocument=document(*statements))
    client("logs").create_log_group(logGroupName=name)
    client("logs").delete_log_group(logGroupName=name)
    assert code(client("logs").create_log_group, logGroupName="other") == "AccessDeniedException"
    assert code(client("s3").put_object, Bucket="mine", Key="a/1", Body=b"") == "NoSuchBucket"
    assert code(client("s3").put_object, Bucket="mine", Key="b/1", Body=b"") == "AccessDenied"


def test_a_denial_is_told_with_all_that_it_is_about(user: tuple[str, Client]) -> None:
    name, client = user
    with pytest.raises(ClientError) as caught:
        client("dsql").get_cluster(identifier="a" * 26)
    assert caught.value.response["Error"]["Message"] == (
        f"User: arn:aws:iam::{ACCOUNT}:user/{name} is not authorized to perform: dsql:GetCluster on resource: "
        f"arn:aws:dsql:us-east-1:{ACCOUNT}:cluster/{'a' * 26} because no identity-based policy allows the "
        "dsql:GetCluster action"
    )


def test_everybody_may_ask_who_he_is(user: tuple[str, Client]) -> None:
    name, client = user
    assert client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{name}"


def test_who_does_not_sign_is_refused(stand_in: Cloud) -> None:
    nobody = connected(stand_in, "sts", "x", "x", config=Config(signature_version=UNSIGNED))
    with pytest.raises(ClientError):
        nobody.get_caller_identity()


@pytest.fixture
def role(stand_in: Cloud) -> Iterator[str]:
    """A role that Lambda alone may assume; its name."""
    iam, name = stand_in.client("iam"), f"test-{uuid.uuid4().hex[:8]}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    yield name
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


def test_a_role_is_assumed_by_whom_it_trusts(stand_in: Cloud, user: tuple[str, Client], role: str) -> None:
    name, client = user
    asked = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{role}", "RoleSessionName": "it"}
    iam = stand_in.client("iam")
    assert code(stand_in.client("sts").assume_role, **asked) == "AccessDenied"
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=document(trust))
    iam.put_role_policy(RoleName=role, PolicyName="It", PolicyDocument=document(allow("dsql:ListClusters")))
    given = client("sts").assume_role(**asked)["Credentials"]
    keys = given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
    connected(stand_in, "dsql", *keys).list_clusters()
    assert code(connected(stand_in, "lambda", *keys).list_functions) == "AccessDeniedException"
    assert code(connected(stand_in, "dsql", *keys[:2]).list_clusters) == "UnrecognizedClientException"


def test_an_account_that_is_trusted_decides_itself(stand_in: Cloud, user: tuple[str, Client], role: str) -> None:
    name, client = user
    asked = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{role}", "RoleSessionName": "it"}
    iam = stand_in.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=document(trust))
    assert code(client("sts").assume_role, **asked) == "AccessDenied"
    iam.put_user_policy(UserName=name, PolicyName="It", PolicyDocument=document(allow("sts:AssumeRole")))
    assert client("sts").assume_role(**asked)["Credentials"]


def test_a_function_is_invoked_by_who_may(stand_in: Cloud, user: tuple[str, Client]) -> None:
    name, client = user
    functions, iam = client("lambda"), stand_in.client("iam")
    assert code(functions.invoke, FunctionName="none") == "AccessDeniedException"
    iam.put_user_policy(UserName=name, PolicyName="It", PolicyDocument=document(allow("lambda:InvokeFunction")))
    assert code(functions.invoke, FunctionName="none") == "ResourceNotFoundException"
    iam.delete_user_policy(UserName=name, PolicyName="It")
    assert code(functions.invoke, FunctionName="none") == "AccessDeniedException"
