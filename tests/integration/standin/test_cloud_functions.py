"""Functions on the stand-in as published code expects them."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from infra.cloud import Cloud
from pytest_dsql.local.aws.resources.code import zipped
from tests.formation import Formation, role

Made = Callable[[str], str]
BROKEN: Final = "def handler(event, context):\n    raise ValueError('it')\n"


@pytest.fixture
def made(stand_in: Cloud) -> Iterator[Made]:
    """Make a function of inline code; return its name."""
    formation = Formation(stand_in)

    def made(code: str) -> str:
        properties = {
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Code": {"ZipFile": code},
        }
        it = {"Type": "AWS::Lambda::Function", "Properties": properties}
        assert formation.create(Role=role(), It=it) == "CREATE_COMPLETE"
        return formation.id("It")

    yield made
    formation.delete()


def invoke(cloud: Cloud, name: str) -> Any:
    return json.load(cloud.client("lambda").invoke(FunctionName=name)["Payload"])


def test_boto3_is_there(stand_in: Cloud, made: Made) -> None:
    name = made(
        "import boto3, botocore\ndef handler(event, context):\n    return boto3.client('sts').meta.region_name\n"
    )
    assert invoke(stand_in, name) == "us-east-1"


@pytest.mark.parametrize("code", [BROKEN, "import nothing_of_this_name\n", "raise ValueError('at import')\n"])
def test_a_traceback_says_var_task(stand_in: Cloud, made: Made, code: str) -> None:
    answer = json.dumps(invoke(stand_in, made(code)))
    assert "dsql-stand-in" not in answer
    assert ("/var/task/index.py" in answer) is ("nothing_of_this_name" not in code)


@pytest.fixture
def role_arn(stand_in: Cloud) -> Iterator[str]:
    formation = Formation(stand_in)
    formation.create(Role=role())
    yield str(stand_in.client("iam").get_role(RoleName=formation.id("Role"))["Role"]["Arn"])
    formation.delete()


def test_a_function_is_pending_before_it_is_active(stand_in: Cloud, role_arn: str) -> None:
    functions, name = stand_in.client("lambda"), f"test-{role_arn.rpartition('-')[2]}"
    fixed = {"FunctionName": name, "Role": role_arn, "Handler": "index.handler", "Runtime": "python3.13"}
    code = {"ZipFile": zipped("def handler(event, context):\n    return 1\n")}
    assert functions.create_function(**fixed, Code=code)["State"] == "Pending"
    with pytest.raises(functions.exceptions.ResourceConflictException, match="in the following state: Pending"):
        functions.invoke(FunctionName=name)
    with pytest.raises(functions.exceptions.ResourceConflictException, match="in the following state: Pending"):
        functions.publish_version(FunctionName=name)
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    assert invoke(stand_in, name) == 1
    functions.publish_version(FunctionName=name)
    assert invoke(stand_in, f"{name}:1") == 1
    functions.delete_function(FunctionName=name)


def test_another_runtime_is_refused_by_name(stand_in: Cloud, role_arn: str) -> None:
    functions = stand_in.client("lambda")
    fixed = {"FunctionName": "test-node", "Role": role_arn, "Handler": "index.handler", "Runtime": "nodejs22.x"}
    with pytest.raises(ClientError, match=r"the stand-in has no runtime nodejs22\.x") as caught:
        functions.create_function(**fixed, Code={"ZipFile": zipped("")})
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
