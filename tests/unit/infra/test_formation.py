"""CloudFormation's stand-in by itself: templates of a test's own, changed, rolled back and deleted."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.stand_in import LocalCloud
from tests.formation import CLUSTER, GROUP, TRUST, Formation, policy, role


@pytest.fixture
def formation(aws: LocalCloud) -> Iterator[Formation]:
    formation = Formation(aws)
    yield formation
    formation.delete()


Function = Callable[..., dict[str, Any]]


@pytest.fixture
def function(aws: LocalCloud) -> Iterator[Function]:
    """Describe a function of a role that is there; its name is new."""
    iam, name = aws.client("iam"), f"test-{uuid.uuid4().hex[:8]}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    fixed = {
        "FunctionName": name,
        "Role": arn,
        "Runtime": "python3.13",
        "Handler": "app.f",
        "Code": {"ZipFile": "MQ=="},
    }
    yield lambda **properties: {"Type": "AWS::Lambda::Function", "Properties": {**fixed, **properties}}
    iam.delete_role(RoleName=name)


def test_no_change_is_refused(formation: Formation) -> None:
    formation.create(Group=GROUP)
    with pytest.raises(ClientError, match=r"No updates are to be performed\."):
        formation.update(Group=GROUP)
    assert formation.status == "CREATE_COMPLETE"


def test_what_was_rolled_back_at_creation_can_only_be_deleted(formation: Formation) -> None:
    assert formation.create(Group={**GROUP, "Properties": {"Nothing": 1}}) == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        formation.update(Group=GROUP)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("AWS::EC2::VPC", r"the stand-in has no AWS::EC2::VPC"),
        ("Custom::Thing", r"the stand-in has no Custom::Thing"),
        ("AWS::Unknown::Thing", r"Unrecognized resource types: \[AWS::Unknown::Thing\]"),
    ],
)
def test_a_type_that_the_stand_in_lacks_is_named_before_anything_is_made(
    formation: Formation, kind: str, words: str
) -> None:
    with pytest.raises(ClientError, match=words):
        formation.create(Group=GROUP, It={"Type": kind})
    with pytest.raises(ClientError, match="does not exist"):
        formation.id("Group")


def test_what_is_to_be_retained_outlives_its_stack(aws: LocalCloud, formation: Formation) -> None:
    formation.create(Kept={**GROUP, "DeletionPolicy": "Retain"}, Gone=GROUP)
    logs, kept, gone = aws.client("logs"), formation.id("Kept"), formation.id("Gone")
    formation.delete()
    assert [each["logGroupName"] for each in logs.describe_log_groups(logGroupNamePrefix=kept)["logGroups"]] == [kept]
    assert logs.describe_log_groups(logGroupNamePrefix=gone)["logGroups"] == []
    logs.delete_log_group(logGroupName=kept)


def test_a_cluster_is_protected_unless_the_template_says_otherwise(aws: LocalCloud, formation: Formation) -> None:
    formation.create(Cluster={"Type": "AWS::DSQL::Cluster"})
    assert aws.client("dsql").get_cluster(identifier=formation.id("Cluster"))["deletionProtectionEnabled"]
    formation.update(Cluster=CLUSTER)
    assert not aws.client("dsql").get_cluster(identifier=formation.id("Cluster"))["deletionProtectionEnabled"]


def test_a_deletion_that_fails_is_told(aws: LocalCloud, formation: Formation) -> None:
    formation.create(Cluster={"Type": "AWS::DSQL::Cluster"})
    cluster, stack = formation.id("Cluster"), formation.described["StackId"]
    formation.delete()
    described = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    assert described["StackStatus"] == "DELETE_FAILED"
    aws.client("dsql").update_cluster(identifier=cluster, deletionProtectionEnabled=False)
    aws.client("dsql").delete_cluster(identifier=cluster)


def test_a_clusters_tags_are_changed_in_place(aws: LocalCloud, formation: Formation) -> None:
    formation.create(Cluster=CLUSTER)
    before = formation.id("Cluster")
    tags = [{"Key": "Name", "Value": "other"}]
    formation.update(Cluster={**CLUSTER, "Properties": {**CLUSTER["Properties"], "Tags": tags}})
    assert formation.id("Cluster") == before
    assert aws.client("dsql").get_cluster(identifier=before)["tags"] == {"Name": "other"}


def test_a_policy_that_left_the_template_leaves_the_role(aws: LocalCloud, formation: Formation) -> None:
    formation.create(Role=role(policy("Old", "dsql:*"), policy("Kept", "logs:*")))
    formation.update(Role=role(policy("Kept", "logs:*")))
    assert aws.client("iam").list_role_policies(RoleName=formation.id("Role"))["PolicyNames"] == ["Kept"]


def test_who_may_assume_a_role_is_changed_in_place(aws: LocalCloud, formation: Formation) -> None:
    formation.create(Role=role())
    nobody = {"Version": "2012-10-17", "Statement": []}
    formation.update(Role=role(trust=nobody))
    found = aws.client("iam").get_role(RoleName=formation.id("Role"))["Role"]
    assert found["AssumeRolePolicyDocument"] == nobody


def test_a_role_policy_that_is_renamed_is_there_once(aws: LocalCloud, formation: Formation) -> None:
    def attached(name: str) -> dict[str, Any]:
        return {"Type": "AWS::IAM::RolePolicy", "Properties": {"RoleName": {"Ref": "Role"}, **policy(name, "dsql:*")}}

    formation.create(Role=role(), Policy=attached("Before"))
    formation.update(Role=role(), Policy=attached("After"))
    assert aws.client("iam").list_role_policies(RoleName=formation.id("Role"))["PolicyNames"] == ["After"]


def test_a_functions_reserve_and_variables_go_with_the_template(
    aws: LocalCloud, formation: Formation, function: Function
) -> None:
    formation.create(It=function(ReservedConcurrentExecutions=2, Environment={"Variables": {"COLOUR": "red"}}))
    client, name = aws.client("lambda"), formation.id("It")
    assert client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 2
    assert formation.update(It=function()) == "UPDATE_COMPLETE", formation.reasons()
    assert client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions") is None
    assert not client.get_function_configuration(FunctionName=name).get("Environment", {}).get("Variables")


def test_a_function_that_is_renamed_is_another_one(aws: LocalCloud, formation: Formation, function: Function) -> None:
    formation.create(It=function())
    before, name = formation.id("It"), f"test-{uuid.uuid4().hex[:8]}"
    assert formation.update(It=function(FunctionName=name)) == "UPDATE_COMPLETE", formation.reasons()
    names = {each["FunctionName"] for each in aws.client("lambda").list_functions()["Functions"]}
    assert formation.id("It") == name
    assert before not in names


def test_a_date_without_quotes_is_text(aws: LocalCloud, formation: Formation) -> None:
    template = json.dumps({"Resources": {"Role": role(policy("Own", "logs:*"))}}).replace('"2012-10-17"', "2012-10-17")
    assert formation.create(template) == "CREATE_COMPLETE"
    found = aws.client("iam").get_role_policy(RoleName=formation.id("Role"), PolicyName="Own")
    assert found["PolicyDocument"]["Version"] == "2012-10-17"


def test_a_character_that_xml_cannot_hold_does_not_break_an_answer(aws: LocalCloud, formation: Formation) -> None:
    template = {"Description": "a\u001fb", "Resources": {"Group": GROUP}}
    assert formation.create(json.dumps(template)) == "CREATE_COMPLETE"
    (stack,) = aws.client("cloudformation").describe_stacks(StackName=formation.name)["Stacks"]
    assert stack["Description"] == "a?b"
