"""The service ``dsql`` on the stand-in: what it makes, what it refuses, and in which words."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Final

import boto3
import psycopg
import pytest
from botocore.exceptions import ClientError

from infra.cloud import Cloud
from infra.stand_in import LocalCloud
from tests.fix_log import Heard

LIMIT_S: Final = 20.0
POLICY: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "dsql:DbConnectAdmin", "Resource": "*"}],
}
Create = Callable[..., dict[str, Any]]


@pytest.fixture
def dsql(stand_in: Cloud) -> Any:
    return stand_in.client("dsql")


@pytest.fixture
def create(dsql: Any) -> Iterator[Create]:
    """Create clusters; they end with the test."""
    made: list[str] = []

    def create(**asked: Any) -> dict[str, Any]:
        answer = dict(dsql.create_cluster(**{"deletionProtectionEnabled": False, **asked}))
        made.append(answer["identifier"])
        return answer

    yield create
    for identifier in made:
        with_no_protection(dsql, identifier)


def with_no_protection(dsql: Any, identifier: str) -> None:
    try:
        if dsql.get_cluster(identifier=identifier)["deletionProtectionEnabled"]:
            dsql.update_cluster(identifier=identifier, deletionProtectionEnabled=False)
        dsql.delete_cluster(identifier=identifier)
    except dsql.exceptions.ResourceNotFoundException:
        return


def refused(call: Callable[..., Any], **asked: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call(**asked)
    return {**caught.value.response, **caught.value.response["Error"]}


def waits(look: Callable[[], str | None], expected: str | None) -> list[str | None]:
    """Look until it is as expected; return what was seen on the way, each once."""
    seen, until = [look()], time.monotonic() + LIMIT_S
    while seen[-1] != expected:
        assert time.monotonic() < until, seen
        if (now := look()) != seen[-1]:
            seen.append(now)
    return seen


def status(dsql: Any, identifier: str) -> str | None:
    try:
        return str(dsql.get_cluster(identifier=identifier)["status"])
    except dsql.exceptions.ResourceNotFoundException:
        return None


@pytest.fixture
def unhurried(stand_in: Cloud, heard: Heard) -> Iterator[Any]:
    """The service where all takes so long that even on a busy machine a look comes in between."""
    with closing(LocalCloud.start("--settle", "2", stderr=heard.file)) as cloud:
        yield cloud.client("dsql")


def test_a_cluster_is_creating_before_it_is_active_and_deleting_before_it_is_gone(unhurried: Any) -> None:
    made = unhurried.create_cluster(deletionProtectionEnabled=False)
    assert made["status"] == "CREATING"
    assert waits(lambda: status(unhurried, made["identifier"]), "ACTIVE") == ["CREATING", "ACTIVE"]
    assert unhurried.delete_cluster(identifier=made["identifier"])["status"] == "DELETING"
    assert waits(lambda: status(unhurried, made["identifier"]), None) == ["DELETING", None]


def test_a_change_is_seen(dsql: Any, create: Create) -> None:
    identifier = create()["identifier"]
    waits(lambda: status(dsql, identifier), "ACTIVE")
    assert dsql.update_cluster(identifier=identifier, deletionProtectionEnabled=True)["status"] == "UPDATING"
    assert waits(lambda: status(dsql, identifier), "ACTIVE")[-1] == "ACTIVE"


def test_a_protected_cluster_is_not_deleted(dsql: Any, create: Create) -> None:
    made = create(deletionProtectionEnabled=True)
    answer = refused(dsql.delete_cluster, identifier=made["identifier"])
    assert (answer["Code"], answer["reason"]) == ("ValidationException", "deletionProtectionEnabled")


@pytest.mark.parametrize("asked", [None, "AWS_OWNED_KMS_KEY"])
def test_the_services_own_key_has_no_arn(create: Create, dsql: Any, asked: str | None) -> None:
    made = create(**({"kmsEncryptionKey": asked} if asked else {}))
    details = dsql.get_cluster(identifier=made["identifier"])["encryptionDetails"]
    assert details == {"encryptionType": "AWS_OWNED_KMS_KEY", "encryptionStatus": "ENABLED"}


def test_a_customers_key_may_be_named_by_id_or_alias(stand_in: Cloud, create: Create) -> None:
    kms, alias = stand_in.client("kms"), f"alias/{uuid.uuid4().hex}"
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    for asked in (key["KeyId"], key["Arn"], alias):
        assert create(kmsEncryptionKey=asked)["encryptionDetails"]["kmsKeyArn"] == key["Arn"]


@pytest.mark.parametrize("key", ["nothing", "arn:aws:kms:eu-west-1:123456789012:key/1", "alias/none", "no key!"])
def test_a_key_that_is_not_there_is_refused(dsql: Any, key: str) -> None:
    assert refused(dsql.create_cluster, kmsEncryptionKey=key)["Code"] == "ValidationException"


def test_a_cluster_with_a_witness_waits_for_its_peers(dsql: Any, create: Create) -> None:
    made = create(multiRegionProperties={"witnessRegion": "us-west-2"})
    assert waits(lambda: status(dsql, made["identifier"]), "PENDING_SETUP") == ["CREATING", "PENDING_SETUP"]
    peer = f"arn:aws:dsql:us-east-2:123456789012:cluster/{'p' * 26}"
    properties = {"witnessRegion": "us-west-2", "clusters": [made["arn"], peer]}
    dsql.update_cluster(identifier=made["identifier"], multiRegionProperties=properties)
    waits(lambda: status(dsql, made["identifier"]), "ACTIVE")
    assert dsql.get_cluster(identifier=made["identifier"])["multiRegionProperties"] == properties
    assert dsql.delete_cluster(identifier=made["identifier"])["status"] == "PENDING_DELETE"
    assert waits(lambda: status(dsql, made["identifier"]), None) == ["PENDING_DELETE", "DELETING", None]


@pytest.mark.parametrize(
    "properties",
    [
        {"witnessRegion": "us-east-1"},
        {"witnessRegion": "mars-north-1"},
        {"clusters": []},
        {"witnessRegion": "us-west-2", "clusters": [f"arn:aws:dsql:us-west-2:123456789012:cluster/{'p' * 26}"]},
        {"witnessRegion": "us-west-2", "clusters": ["arn:aws:s3:::bucket"]},
    ],
)
def test_regions_that_cannot_be_are_refused(dsql: Any, properties: dict[str, Any]) -> None:
    assert refused(dsql.create_cluster, multiRegionProperties=properties)["Code"] == "ValidationException"


@pytest.mark.parametrize("identifier", ["short", "A" * 26, "a" * 27, "not-a-cluster-but-26-longs"])
def test_what_is_no_identifier_is_named(dsql: Any, identifier: str) -> None:
    answer = refused(dsql.get_cluster, identifier=identifier)
    assert (answer["Code"], answer["reason"]) == ("ValidationException", "fieldValidationFailed")
    assert [field["name"] for field in answer["fieldList"]] == ["identifier"]


def test_a_cluster_that_is_not_there_is_named(dsql: Any) -> None:
    answer = refused(dsql.get_cluster, identifier="z" * 26)
    assert (answer["Code"], answer["resourceId"], answer["resourceType"]) == (
        "ResourceNotFoundException",
        "z" * 26,
        "cluster",
    )


def test_tags_are_judged(dsql: Any, create: Create) -> None:
    arn = create(tags={"a": "1"})["arn"]
    dsql.tag_resource(resourceArn=arn, tags={"b": "2"})
    dsql.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert dsql.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    for tags in ({"aws:own": "x"}, {"k" * 129: "x"}, {"k": "v" * 257}, {"no\n": "x"}):
        assert refused(dsql.tag_resource, resourceArn=arn, tags=tags)["Code"] == "ValidationException"


def test_a_policy_that_denies_shuts_the_door(stand_in: Cloud, dsql: Any, create: Create) -> None:
    made = create()
    waits(lambda: status(dsql, made["identifier"]), "ACTIVE")
    sign_in(stand_in, made["endpoint"])
    put = {"identifier": made["identifier"], "policy": json.dumps(POLICY)}
    version = dsql.put_cluster_policy(**put)["policyVersion"]
    with pytest.raises(psycopg.OperationalError, match="explicit deny in a resource-based policy"):
        sign_in(stand_in, made["endpoint"])
    assert refused(dsql.put_cluster_policy, **put, expectedPolicyVersion="0")["Code"] == "ConflictException"
    assert dsql.delete_cluster_policy(identifier=made["identifier"])["policyVersion"] == version
    assert refused(dsql.get_cluster_policy, identifier=made["identifier"])["Code"] == "ResourceNotFoundException"
    sign_in(stand_in, made["endpoint"])


def sign_in(cloud: Cloud, host: str) -> None:
    token = cloud.client("dsql").generate_db_connect_admin_auth_token(host, cloud.region)
    reach = cloud.environment
    psycopg.connect(
        host=host,
        hostaddr=reach["PGHOSTADDR"],
        port=reach["PGPORT"],
        user="admin",
        password=token,
        dbname="postgres",
        sslmode="verify-full",
        sslrootcert=reach["PGSSLROOTCERT"],
    ).close()


def statement(**changed: Any) -> dict[str, Any]:
    return {key: value for key, value in {**POLICY["Statement"][0], **changed}.items() if value is not None}


@pytest.mark.parametrize(
    "policy",
    [
        "{",
        "[]",
        '"text"',
        json.dumps({"Version": "2012-10-17"}),
        json.dumps({"Version": "2013-01-01", "Statement": [statement()]}),
        json.dumps({"Version": "2012-10-17", "Statement": []}),
        json.dumps({"Version": "2012-10-17", "Statement": [statement(Principal=None)]}),
        json.dumps({"Version": "2012-10-17", "Statement": [statement(Effect="deny")]}),
        json.dumps({"Version": "2012-10-17", "Statement": [statement(Action="s3:GetObject")]}),
        json.dumps({"Version": "2012-10-17", "Statement": [statement(Resource=None)]}),
        json.dumps({"Version": "2012-10-17", "Statement": [statement(Effects="Deny")]}),
        json.dumps({"Version": "2012-10-17", "Statement": [statement()], "More": 1}),
    ],
)
def test_what_is_no_policy_is_refused(dsql: Any, create: Create, policy: str) -> None:
    answer = refused(dsql.put_cluster_policy, identifier=create()["identifier"], policy=policy)
    assert answer["Code"] == "ValidationException"
    assert refused(dsql.create_cluster, policy=policy)["Code"] == "ValidationException"


def test_a_policy_that_locks_its_writer_out_needs_his_word(dsql: Any, create: Create) -> None:
    identifier = create()["identifier"]
    policy = json.dumps({**POLICY, "Statement": [statement(Action="dsql:*")]})
    answer = refused(dsql.put_cluster_policy, identifier=identifier, policy=policy)
    assert "bypassPolicyLockoutSafetyCheck" in answer["Message"]


def test_streams_are_kept_as_they_are_asked_for(dsql: Any, create: Create) -> None:
    identifier = create()["identifier"]
    kinesis = {
        "streamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/it",
        "roleArn": "arn:aws:iam::123456789012:role/writes",
    }
    asked = {"clusterIdentifier": identifier, "targetDefinition": {"kinesis": kinesis}, "format": "JSON"}
    made = [dsql.create_stream(**asked, ordering="UNORDERED")["streamIdentifier"] for _ in range(5)]
    answer = refused(dsql.create_stream, **asked, ordering="UNORDERED")
    assert (answer["Code"], answer["Message"]) == (
        "ServiceQuotaExceededException",
        "You have reached the stream limit.",
    )
    one = {"clusterIdentifier": identifier, "streamIdentifier": made[0]}
    assert waits(lambda: str(dsql.get_stream(**one)["status"]), "ACTIVE")[-1] == "ACTIVE"
    assert dsql.get_stream(**one)["targetDefinition"] == {"kinesis": kinesis}
    assert dsql.delete_stream(**one)["status"] == "DELETING"
    assert refused(dsql.create_stream, **asked, ordering="ORDERED")["Code"] == "ValidationException"


def test_there_are_no_more_clusters_than_the_account_may_have(dsql: Any, create: Create) -> None:
    witnessed = {"multiRegionProperties": {"witnessRegion": "us-west-2"}}
    for _ in range(5):
        create(**witnessed)
    answer = refused(create, **witnessed)
    assert (answer["Code"], answer["Message"]) == (
        "ServiceQuotaExceededException",
        "You have reached the cluster limit.",
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 402


def test_one_token_is_one_cluster(dsql: Any, create: Create) -> None:
    token = uuid.uuid4().hex
    assert create(clientToken=token)["identifier"] == create(clientToken=token)["identifier"]
    answer = refused(dsql.create_cluster, clientToken=token, deletionProtectionEnabled=True)
    assert answer["Code"] == "ConflictException"


def test_the_name_of_the_endpoint_service_begins_as_aws_s(dsql: Any, create: Create) -> None:
    made = create()
    answer = dsql.get_vpc_endpoint_service_name(identifier=made["identifier"])
    assert answer["serviceName"].startswith("com.amazonaws.us-east-1.dsql-")
    assert answer["clusterVpcEndpoint"] == made["endpoint"]


@pytest.mark.parametrize(
    ("service", "ask", "code"),
    [
        ("dsql", "list_clusters", "ValidationException"),
        ("lambda", "list_functions", "ValidationException"),
        ("lambda", "invoke", "ValidationException"),
        ("logs", "describe_log_groups", "ValidationException"),
        ("cloudformation", "list_stacks", "ValidationError"),
    ],
)
def test_another_region_is_refused_in_a_sentence(stand_in: Cloud, service: str, ask: str, code: str) -> None:
    environment = stand_in.environment
    elsewhere: Any = boto3.client(
        service,
        region_name="eu-west-1",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    error = refused(getattr(elsewhere, ask), **({"FunctionName": "it"} if ask == "invoke" else {}))
    assert error["Code"] == code
    assert "the stand-in has the Region us-east-1 alone; this request is for eu-west-1" in error["Message"]
