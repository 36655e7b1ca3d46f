"""CloudFormation on the stand-in: what is refused before anything is made, what is rolled back, what is made."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from infra.cloud import Cloud
from tests.formation import CLUSTER, GROUP, Formation, policy, role
from tests.unit.functions.endpoint import zipped

BODY: Final = "import os\ndef handler(event, context):\n    return [{number}, os.environ.get('WORD')]\n"


@pytest.fixture
def formation(stand_in: Cloud) -> Iterator[Formation]:
    formation = Formation(stand_in)
    yield formation
    formation.delete()


def function(number: int = 1, **properties: Any) -> dict[str, Any]:
    """A function of the role "Role", that returns ``number``."""
    fixed = {
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Code": {"ZipFile": BODY.format(number=number)},
    }
    return {"Type": "AWS::Lambda::Function", "Properties": {**fixed, **properties}}


def cluster(**properties: Any) -> dict[str, Any]:
    return {**CLUSTER, "Properties": {**CLUSTER["Properties"], **properties}}


def refused(create: Callable[..., Any], template: dict[str, Any]) -> tuple[str, str]:
    """Make a template, which must be refused; return the code and the words."""
    with pytest.raises(ClientError) as caught:
        create(json.dumps(template))
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def invoke(cloud: Cloud, name: str) -> Any:
    return json.load(cloud.client("lambda").invoke(FunctionName=name)["Payload"])


# Refused before anything is made

PARAMETERS: Final[dict[str, Any]] = {
    "Stage": {"Type": "String", "Default": "test", "AllowedValues": ["test", "live"]},
    "Word": {"Type": "String", "Default": "a", "AllowedPattern": "[a-z]+", "MinLength": 1, "MaxLength": 3},
    "Count": {"Type": "Number", "Default": 1, "MinValue": 1, "MaxValue": 5},
    "Counts": {"Type": "List<Number>", "Default": "1,2"},
}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("Stage", "other", "Parameter 'Stage' must be one of AllowedValues"),
        ("Word", "A1", "Parameter 'Word' must match pattern [a-z]+"),
        ("Word", "abcd", "Parameter 'Word' must contain at most 3 characters"),
        ("Count", "9", "Parameter 'Count' must be a number not greater than 5"),
        ("Count", "0", "Parameter 'Count' must be a number not less than 1"),
        ("Count", "many", "Parameter 'Count' must be a number"),
        ("Counts", "1,x", "Parameter 'Counts' must be a number"),
        ("Undeclared", "x", "Parameters: [Undeclared] do not exist in the template"),
    ],
)
def test_parameters_are_judged(formation: Formation, key: str, value: str, words: str) -> None:
    formation.said = {"Parameters": [{"ParameterKey": key, "ParameterValue": value}]}
    template = {"Parameters": PARAMETERS, "Resources": {"Group": GROUP}}
    assert refused(formation.create, template) == ("ValidationError", words)


def test_a_parameter_needs_a_value(formation: Formation) -> None:
    template = {"Parameters": {"Name": {"Type": "String"}}, "Resources": {"Group": GROUP}}
    assert refused(formation.create, template) == ("ValidationError", "Parameters: [Name] must have values")


@pytest.mark.parametrize(
    ("said", "name", "needed"),
    [([], {}, "CAPABILITY_IAM"), (["CAPABILITY_IAM"], {"RoleName": "test"}, "CAPABILITY_NAMED_IAM")],
)
def test_identities_need_a_word(formation: Formation, said: list[str], name: dict[str, str], needed: str) -> None:
    formation.said = {"Capabilities": said}
    described = role()
    template = {"Resources": {"Role": {**described, "Properties": {**described["Properties"], **name}}}}
    code, words = refused(formation.create, template)
    assert (code, words) == ("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"Resources": {}}, "At least one Resources member must be defined"),
        ({"Resources": {"Group": {}}}, "must contain a Type member"),
        ({"Resources": {"Not-a-name": GROUP}}, "Resource name Not-a-name is non alphanumeric"),
        ({"Resources": {"Group": {**GROUP, "Property": {}}}}, "Invalid template resource property 'Property'"),
        ({"Resources": {"It": {"Type": "AWS::Nothing::Here"}}}, "Unrecognized resource types: [AWS::Nothing::Here]"),
        ({"Resources": {"It": {"Type": "AWS::EC2::VPC"}}}, "the stand-in has no AWS::EC2::VPC"),
        ({"Resources": {"Group": {**GROUP, "DependsOn": "No"}}}, "Unresolved resource dependencies [No]"),
        ({"Resources": {"Group": {**GROUP, "Condition": "No"}}}, "Unresolved condition dependency No"),
        ({"Transform": "AWS::Serverless-2016-10-31"}, "the stand-in has no Transform"),
        ({"Outputs": {"It": {"Value": {"Ref": "No"}}}}, "Unresolved resource dependencies [No] in the Outputs block"),
        ({"Outputs": {"It": {"Value": {"Fn::GetAtt": ["No", "Arn"]}}}}, "references undefined resource No"),
        ({"Outputs": {"It": {"Value": {"Fn::GetAtt": ["Group", "No"]}}}}, "does not support attribute type No"),
        ({"Outputs": {"It": {"Value": {"Fn::Nothing": []}}}}, "the stand-in has no Fn::Nothing"),
        ({"Outputs": {"It": {"Value": {"Fn::Sub": "${No}"}}}}, "Unresolved resource dependencies [No]"),
        ({"Parameters": {"It": {"Type": "Text"}}}, "Unrecognized parameter type: Text"),
        ({"Parameters": {"It": {"Default": "x"}}}, "Every Parameters object must contain a Type member"),
        ({"Conditions": {"A": {"Condition": "B"}, "B": {"Condition": "A"}}}, "Circular dependency between conditions"),
        ({"Things": {}}, "Invalid template property or properties [Things]"),
        ({"AWSTemplateFormatVersion": "2026-01-01"}, "unsupported value for AWSTemplateFormatVersion"),
    ],
)
def test_what_is_no_template_is_refused_at_once(formation: Formation, changed: dict[str, Any], words: str) -> None:
    code, said = refused(formation.create, {"Resources": {"Group": GROUP}, **changed})
    assert code == "ValidationError"
    assert words in said


def test_resources_that_need_each_other_are_refused(formation: Formation) -> None:
    circle = {name: {**GROUP, "DependsOn": other} for name, other in (("A", "B"), ("B", "A"))}
    assert "Circular dependency between resources: [A, B]" in refused(formation.create, {"Resources": circle})[1]


@pytest.mark.parametrize("text", ["Resources: [", "{", "just words", "- a\n- list", "!!python/object:os.system {}"])
def test_what_is_no_yaml_is_refused(formation: Formation, text: str) -> None:
    with pytest.raises(ClientError, match="Template format error"):
        formation.create(text)


# Rolled back

WRONG: Final = [
    ({"DeletionProtection": False}, "#: extraneous key [DeletionProtection] is not permitted"),
    ({"DeletionProtectionEnabled": "maybe"}, "#/DeletionProtectionEnabled: expected type: Boolean, found: String"),
    ({"KmsEncryptionKey": ""}, "#/KmsEncryptionKey: failed validation constraint for keyword [minLength]"),
    ({"Tags": [{"Key": "a"}]}, "#/Tags/0: required key [Value] not found"),
    ({"Tags": "a"}, "#/Tags: expected type: JSONArray, found: String"),
    ({"Endpoint": "x"}, "#: extraneous key [Endpoint] is not permitted"),
    ({"MultiRegionProperties": {"Witness": "x"}}, "#/MultiRegionProperties: extraneous key [Witness] is not permitted"),
]


@pytest.mark.parametrize(("properties", "words"), WRONG)
def test_wrong_properties_roll_back(
    stand_in: Cloud, formation: Formation, properties: dict[str, Any], words: str
) -> None:
    assert formation.create(Group=GROUP, It={**cluster(**properties), "DependsOn": "Group"}) == "ROLLBACK_COMPLETE"
    (why,) = formation.reasons()
    assert why.startswith("Properties validation failed for resource It with message:\n")
    assert words in why
    groups = stand_in.client("logs").describe_log_groups(logGroupNamePrefix=f"{formation.name}-Group")["logGroups"]
    assert groups == []


def test_another_runtime_is_refused_by_name(formation: Formation) -> None:
    assert formation.create(Role=role(), It=function(Runtime="nodejs22.x")) == "ROLLBACK_COMPLETE"
    assert "the stand-in has no runtime nodejs22.x" in formation.reasons()[0]


def test_a_change_that_fails_gives_back_what_it_had_changed(stand_in: Cloud, formation: Formation) -> None:
    before = function(1, Environment={"Variables": {"WORD": "old"}})
    formation.create(Role=role(policy("Old", "logs:*")), It=before)
    after = function(2, Environment={"Variables": {"WORD": "new"}})
    wrong = {**cluster(DeletionProtection=1), "DependsOn": "It"}
    status = formation.update(Role=role(policy("New", "logs:*")), It=after, Wrong=wrong)
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert invoke(stand_in, formation.id("It")) == [1, "old"]
    assert stand_in.client("iam").list_role_policies(RoleName=formation.id("Role"))["PolicyNames"] == ["Old"]


def test_what_was_to_be_replaced_is_put_back(stand_in: Cloud, formation: Formation) -> None:
    formation.create(Role=role(), It=function(1))
    before = formation.id("It")
    wrong = {**cluster(DeletionProtection=1), "DependsOn": "It"}
    named = function(2, FunctionName=f"{formation.name}-other")
    assert formation.update(Role=role(), It=named, Wrong=wrong) == "UPDATE_ROLLBACK_COMPLETE"
    assert formation.id("It") == before
    assert invoke(stand_in, before) == [1, None]
    names = {each["FunctionName"] for each in stand_in.client("lambda").list_functions()["Functions"]}
    assert f"{formation.name}-other" not in names


WRONG_ALONE: Final[dict[str, Any]] = {**GROUP, "Properties": {"Nothing": 1}}
WRONG_GROUP: Final[dict[str, Any]] = {**WRONG_ALONE, "DependsOn": "Kept"}


@pytest.mark.parametrize("wish", [{"OnFailure": "DO_NOTHING"}, {"DisableRollback": True}])
def test_what_was_made_stays_where_a_failure_is_not_to_be_taken_back(
    formation: Formation, wish: dict[str, Any]
) -> None:
    formation.said = wish
    assert formation.create(Kept=GROUP, Wrong=WRONG_GROUP) == "CREATE_FAILED"
    kept, formation.said = formation.id("Kept"), {"DisableRollback": True}
    assert formation.update(Kept=GROUP, Wrong=WRONG_GROUP, More=GROUP) == "UPDATE_FAILED"
    assert formation.update(Kept=GROUP) == "UPDATE_COMPLETE"
    assert formation.id("Kept") == kept


def test_a_stack_that_fails_is_deleted_where_that_is_wished(stand_in: Cloud, formation: Formation) -> None:
    formation.said = {"OnFailure": "DELETE"}
    with pytest.raises(ClientError, match="does not exist"):
        formation.create(Kept=GROUP, Wrong=WRONG_GROUP)
    logs = stand_in.client("logs")
    assert logs.describe_log_groups(logGroupNamePrefix=f"{formation.name}-Kept")["logGroups"] == []


@pytest.mark.parametrize(
    ("asked", "executed", "ended"),
    [
        ({"OnStackFailure": "DO_NOTHING"}, {}, "CREATE_FAILED"),
        ({}, {"DisableRollback": True}, "CREATE_FAILED"),
        ({"OnStackFailure": "ROLLBACK"}, {}, "ROLLBACK_COMPLETE"),
    ],
)
def test_a_change_set_says_what_is_done_where_it_fails(
    stand_in: Cloud, formation: Formation, asked: dict[str, Any], executed: dict[str, Any], ended: str
) -> None:
    cloudformation, body = stand_in.client("cloudformation"), json.dumps({"Resources": {"Wrong": WRONG_ALONE}})
    names = {"StackName": formation.name, "ChangeSetName": "it"}
    cloudformation.create_change_set(**names, ChangeSetType="CREATE", TemplateBody=body, **asked)
    cloudformation.execute_change_set(**names, **executed)
    assert formation.rests() == ended


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"OnFailure": "DELETE", "DisableRollback": False}, "either DisableRollback or OnFailure, but not both"),
        ({"OnFailure": "NOTHING"}, r"Value 'NOTHING' at 'onFailure' failed .*\[ROLLBACK, DELETE, DO_NOTHING\]"),
    ],
)
def test_a_wish_that_cannot_be_is_refused(formation: Formation, wish: dict[str, Any], words: str) -> None:
    formation.said = wish
    with pytest.raises(ClientError, match=words):
        formation.create(Kept=GROUP)


# Made

BASIC: Final = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def test_a_role_has_policies_of_awss_own(stand_in: Cloud, formation: Formation) -> None:
    of_aws = role()
    of_aws["Properties"]["ManagedPolicyArns"] = [BASIC]
    assert formation.create(Role=of_aws) == "CREATE_COMPLETE"
    attached = stand_in.client("iam").list_attached_role_policies(RoleName=formation.id("Role"))["AttachedPolicies"]
    assert [each["PolicyArn"] for each in attached] == [BASIC]
    assert formation.update(Role=role()) == "UPDATE_COMPLETE"
    assert not stand_in.client("iam").list_attached_role_policies(RoleName=formation.id("Role"))["AttachedPolicies"]


TRIGGER: Final = {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}


def of(kind: str, **properties: Any) -> dict[str, Any]:
    """What belongs to the function "It"."""
    return {"Type": f"AWS::Lambda::{kind}", "Properties": {"FunctionName": {"Ref": "It"}, **properties}}


def test_what_belongs_to_a_function_is_made_and_goes(stand_in: Cloud, formation: Formation) -> None:
    resources = {
        "Role": role(),
        "It": function(1),
        "Permission": of("Permission", **TRIGGER),
        "Version": of("Version"),
        "Alias": of("Alias", Name="live", FunctionVersion={"Fn::GetAtt": ["Version", "Version"]}),
    }
    assert formation.create(**resources) == "CREATE_COMPLETE", formation.reasons()
    functions, name = stand_in.client("lambda"), formation.id("It")
    (statement,) = json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]
    assert (statement["Action"], statement["Principal"]) == (
        "lambda:InvokeFunction",
        {"Service": "apigateway.amazonaws.com"},
    )
    assert functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == "1"
    assert invoke(stand_in, f"{name}:live") == [1, None]
    formation.delete()
    assert name not in {each["FunctionName"] for each in functions.list_functions()["Functions"]}


def test_a_function_finds_what_is_in_its_layers(stand_in: Cloud, formation: Formation) -> None:
    functions = stand_in.client("lambda")
    layer = functions.publish_layer_version(
        LayerName=formation.name, Content={"ZipFile": zipped({"python/deep.py": "WORD = 7"})}
    )
    code = {"ZipFile": "import deep\ndef handler(event, context):\n    return deep.WORD\n"}
    made = formation.create(Role=role(), It=function(Code=code, Layers=[layer["LayerVersionArn"]]))
    assert made == "CREATE_COMPLETE", formation.reasons()
    assert invoke(stand_in, formation.id("It")) == 7
    functions.delete_layer_version(LayerName=formation.name, VersionNumber=layer["Version"])
    functions.update_function_configuration(FunctionName=formation.id("It"), MemorySize=256)
    assert invoke(stand_in, formation.id("It")) == 7


def test_new_tags_of_a_stack_reach_what_has_tags_alone(stand_in: Cloud, formation: Formation) -> None:
    resources = {"Role": role(), "It": function(), "Permission": of("Permission", **TRIGGER), "Version": of("Version")}
    formation.said = {"Tags": [{"Key": "team", "Value": "blue"}]}
    assert formation.create(**resources) == "CREATE_COMPLETE", formation.reasons()
    formation.said = {"Tags": [{"Key": "team", "Value": "red"}]}
    assert formation.update(**resources) == "UPDATE_COMPLETE", formation.reasons()
    assert stand_in.client("lambda").get_function(FunctionName=formation.id("It"))["Tags"] == {"team": "red"}


def test_a_function_without_a_name_is_changed_in_place(stand_in: Cloud, formation: Formation) -> None:
    formation.create(Role=role(), It=function(1))
    before = formation.id("It")
    assert formation.update(Role=role(), It=function(2)) == "UPDATE_COMPLETE", formation.reasons()
    assert formation.id("It") == before
    assert invoke(stand_in, before) == [2, None]


def test_names_are_as_long_as_the_service_takes_them(formation: Formation) -> None:
    formation.name = f"{formation.name}-{'long' * 20}"
    assert formation.create(**{"Role": role(), "It" * 20: function()}) == "CREATE_COMPLETE", formation.reasons()
    assert len(formation.id("It" * 20)) <= 64


def test_metadata_of_the_cdk_is_nothing_to_do(formation: Formation) -> None:
    metadata = {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:deflate64:x"}}
    assert formation.create(Group=GROUP, CDKMetadata=metadata) == "CREATE_COMPLETE"


def test_a_cluster_has_all_that_its_template_says(stand_in: Cloud, formation: Formation) -> None:
    dsql = stand_in.client("dsql")
    key = stand_in.client("kms").create_key()["KeyMetadata"]["Arn"]
    statement = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "dsql:DbConnect", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    formation.said = {"Tags": [{"Key": "team", "Value": "blue"}]}
    whole = cluster(
        KmsEncryptionKey=key,
        PolicyDocument=json.dumps(document),
        MultiRegionProperties={"WitnessRegion": "us-west-2"},
        Tags=[{"Key": "own", "Value": "1"}],
    )
    names = ("Endpoint", "Identifier", "ResourceArn", "Status", "CreationTime", "EncryptionDetails.KmsKeyArn")
    outputs = {f"O{index}": {"Value": {"Fn::GetAtt": ["It", *name.split(".", 1)]}} for index, name in enumerate(names)}
    template = json.dumps({"Resources": {"It": whole}, "Outputs": outputs})
    assert formation.create(template) == "CREATE_COMPLETE", formation.reasons()
    shown = dict(zip(names, formation.outputs.values(), strict=True))
    found = dsql.get_cluster(identifier=formation.id("It"))
    assert (shown["Identifier"], shown["ResourceArn"]) == (found["identifier"], found["arn"])
    assert (shown["EncryptionDetails.KmsKeyArn"], shown["Status"]) == (key, "PENDING_SETUP")
    assert found["tags"] == {"own": "1", "team": "blue"}
    assert found["multiRegionProperties"] == {"witnessRegion": "us-west-2"}
    assert json.loads(dsql.get_cluster_policy(identifier=found["identifier"])["policy"]) == document
    formation.said = {"Tags": [{"Key": "team", "Value": "red"}]}
    assert formation.update(It=cluster()) == "UPDATE_COMPLETE", formation.reasons()
    found = dsql.get_cluster(identifier=formation.id("It"))
    assert found["tags"] == {"team": "red"}
    assert found["encryptionDetails"]["encryptionType"] == "AWS_OWNED_KMS_KEY"
    with pytest.raises(dsql.exceptions.ResourceNotFoundException):
        dsql.get_cluster_policy(identifier=found["identifier"])


def test_exports_are_used_and_freed(stand_in: Cloud) -> None:
    giver, taker, name = Formation(stand_in), Formation(stand_in), f"test-{Formation(stand_in).name}"
    export = {"Resources": {"Group": GROUP}, "Outputs": {"It": {"Value": "x", "Export": {"Name": name}}}}
    used = {"Resources": {"Group": GROUP}, "Outputs": {"It": {"Value": {"Fn::ImportValue": name}}}}
    assert giver.create(json.dumps(export)) == "CREATE_COMPLETE"
    assert taker.create(json.dumps(used)) == "CREATE_COMPLETE"
    assert taker.outputs == {"It": "x"}
    giver.delete()
    assert giver.status == "DELETE_FAILED"
    taker.delete()
    giver.delete()
    again = Formation(stand_in)
    assert again.create(json.dumps(export)) == "CREATE_COMPLETE"
    again.delete()


def test_what_is_gone_already_counts_as_deleted(stand_in: Cloud, formation: Formation) -> None:
    formation.create(Role=role(), It=function(), Group=GROUP)
    stand_in.client("lambda").delete_function(FunctionName=formation.id("It"))
    stand_in.client("logs").delete_log_group(logGroupName=formation.id("Group"))
    formation.delete()
    with pytest.raises(ClientError, match="does not exist"):
        formation.id("Role")


def test_a_change_set_makes_and_changes_a_stack(stand_in: Cloud, formation: Formation) -> None:
    client = stand_in.client("cloudformation")
    for kind, days in (("CREATE", 1), ("UPDATE", 3)):
        group = {**GROUP, "Properties": {"RetentionInDays": days}}
        template = {"Resources": {"Group": group}, "Outputs": {"Name": {"Value": {"Ref": "Group"}}}}
        body = {"TemplateBody": json.dumps(template), "ChangeSetType": kind}
        client.create_change_set(StackName=formation.name, ChangeSetName="always-the-same", **body)
        client.execute_change_set(StackName=formation.name, ChangeSetName="always-the-same")
        assert formation.status == f"{kind}_COMPLETE"
        (found,) = stand_in.client("logs").describe_log_groups(logGroupNamePrefix=formation.outputs["Name"])[
            "logGroups"
        ]
        assert found["retentionInDays"] == days
