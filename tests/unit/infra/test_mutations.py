"""Templates of real projects, changed by chance: none breaks the stand-in, and none leaves anything behind.

``DSQL_MUTATIONS=5000`` tries so many of them.
"""

import copy
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.stand_in import LocalCloud
from pytest_dsql.local.aws.formation.answers import DEFECT
from pytest_dsql.local.aws.formation.templates.text import parse
from tests.formation import CAPABILITIES, CLUSTER, role

MUTATIONS: Final = int(os.environ.get("DSQL_MUTATIONS", "60"))
ROOT: Final = Path(__file__).parents[3]
FUNCTION: Final = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Runtime": {"Ref": "Runtime"},
        "Handler": "index.handler",
        "Code": {"ZipFile": {"Fn::Join": ["\n", ["def handler(event, context):", "    return 1"]]}},
        "Environment": {"Variables": {"HOST": {"Fn::GetAtt": ["Cluster", "Endpoint"]}}},
    },
}
OF_CDK: Final[dict[str, Any]] = {
    "Parameters": {
        "Runtime": {"Type": "String", "Default": "python3.13", "AllowedPattern": "python.*"},
        "Days": {"Type": "Number", "Default": 7, "MinValue": 1, "MaxValue": 30},
    },
    "Mappings": {"Stages": {"test": {"Days": 1}, "live": {"Days": 30}}},
    "Conditions": {"Long": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Days"}, "1"]}]}},
    "Resources": {
        "Cluster": CLUSTER,
        "Role": role(),
        "Function": FUNCTION,
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Fn::Sub": "${Function}"},
                "Principal": "events.amazonaws.com",
            },
        },
        "Logs": {
            "Type": "AWS::Logs::LogGroup",
            "Condition": "Long",
            "Properties": {"RetentionInDays": {"Fn::FindInMap": ["Stages", "test", "Days"]}},
            "DependsOn": "Function",
        },
        "CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:deflate64:x"}},
    },
    "Outputs": {"Name": {"Value": {"Ref": "Function"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-it"}}}},
}
TEMPLATES: Final = [
    OF_CDK,
    {"Resources": {"Cluster": {"Type": "AWS::DSQL::Cluster", "Properties": {"Tags": [{"Key": "a", "Value": "b"}]}}}},
    parse((ROOT / "infra" / "template.yaml").read_text()),
]
NAMES: Final = ["Ref", "Fn::GetAtt", "Fn::Sub", "Fn::If", "Fn::Join", "Fn::Select", "Fn::Nothing", "Type", "Key", "It"]
VALUES: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["${It}", "${Cluster.Endpoint}", "AWS::NoValue", "AWS::DSQL::Cluster", "Cluster", "1", "true"]),
    st.lists(st.sampled_from(["Cluster", "Endpoint", 1, None]), max_size=3),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["Cluster", ["Cluster", "Arn"], [], {}, 1]), max_size=2),
)


def places(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All paths into a template."""
    members = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    return [path, *(place for key, value in members for place in places(value, (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A template with one to three changes: something replaced, removed, renamed, or put beside."""
    template: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(TEMPLATES)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(template)))
        if not path:
            continue
        holder: Any = template
        for key in path[:-1]:
            holder = holder[key]
        change = draw(st.sampled_from(["replace", "remove", "rename", "add"]))
        if change == "replace":
            holder[path[-1]] = copy.deepcopy(draw(VALUES))
        elif change == "remove":
            del holder[path[-1]]
        elif change == "add" and isinstance(holder, dict):
            holder[draw(st.sampled_from(NAMES))] = copy.deepcopy(draw(VALUES))
        elif isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = holder.pop(path[-1])
    return template


@pytest.fixture(scope="module")
def there(aws: LocalCloud) -> Callable[[], Any]:
    """What there is in the account."""
    dsql, functions, iam, logs = (aws.client(each) for each in ("dsql", "lambda", "iam", "logs"))

    def there() -> Any:
        return (
            {each["identifier"] for each in dsql.list_clusters()["clusters"]},
            {each["FunctionName"] for each in functions.list_functions()["Functions"]},
            {each["RoleName"] for each in iam.list_roles()["Roles"]},
            {each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]},
        )

    return there


@pytest.mark.timeout(60 + MUTATIONS)
def test_no_template_breaks_the_stand_in(
    aws: LocalCloud, there: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from pytest_dsql.local.aws.dsql.backend import Clusters
    from pytest_dsql.local.aws.functions import Functions

    monkeypatch.setattr(Clusters, "settle_s", 0.0)
    monkeypatch.setattr(Functions, "settle_s", 0.0)
    formation = aws.client("cloudformation", Config(retries={"total_max_attempts": 1}))
    before, ended = there(), dict[str, int]()

    @settings(
        max_examples=MUTATIONS,
        deadline=None,
        database=None,
        derandomize=MUTATIONS < 100,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(mutated())
    def every(template: dict[str, Any]) -> None:
        status = attempt(formation, aws, template)
        ended[status] = ended.get(status, 0) + 1
        assert there() == before, status

    every()
    assert "Traceback" not in capfd.readouterr().err
    assert {"ValidationError", "ROLLBACK_COMPLETE"} <= ended.keys(), ended


def attempt(formation: Any, aws: LocalCloud, template: dict[str, Any]) -> str:
    """Make a stack and take it away; return how that ended."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    given_ = {"FunctionName": name, "CodeBucket": "none", "CodeKey": "none"}
    declared = template.get("Parameters")
    known = [key for key in given_ if isinstance(declared, dict) and key in declared]
    parameters = [{"ParameterKey": key, "ParameterValue": given_[key]} for key in known]
    try:
        formation.create_stack(
            StackName=name, TemplateBody=json.dumps(template), Parameters=parameters, Capabilities=CAPABILITIES
        )
    except ClientError as error:
        return refused(error.response)
    status = str(formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
    for event in formation.describe_stack_events(StackName=name)["StackEvents"]:
        assert "the stand-in cannot do this" not in event.get("ResourceStatusReason", "")
    unprotect(formation, aws, name)
    formation.delete_stack(StackName=name)
    return status


def refused(answer: Any) -> str:
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["Error"]["Message"] != DEFECT
    return str(answer["Error"]["Code"])


def unprotect(formation: Any, aws: LocalCloud, name: str) -> None:
    """Let clusters be deleted, which are protected unless a template says otherwise."""
    for each in formation.describe_stack_resources(StackName=name)["StackResources"]:
        if each["ResourceType"] == "AWS::DSQL::Cluster":
            aws.client("dsql").update_cluster(identifier=each["PhysicalResourceId"], deletionProtectionEnabled=False)
