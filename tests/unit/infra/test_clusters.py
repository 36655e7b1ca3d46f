"""Clusters of the control plane: each has one of the data plane behind it, as long as it is there."""

import uuid
from typing import Any, cast

import pytest

from infra.stand_in import LocalCloud
from pytest_dsql.local.aws.dsql.backend import Clusters
from tests.fix_aws import Plane


def behind() -> set[str]:
    """The data plane's clusters."""
    return cast(Plane, cast(Any, Clusters).plane).clusters


def test_one_token_makes_one_cluster(aws: LocalCloud) -> None:
    dsql, token = aws.client("dsql"), uuid.uuid4().hex
    first, again = (
        dsql.create_cluster(clientToken=token, deletionProtectionEnabled=False)["identifier"] for _ in range(2)
    )
    assert first == again
    dsql.delete_cluster(identifier=first)


def test_a_deleted_cluster_is_gone_from_the_data_plane(aws: LocalCloud) -> None:
    dsql = aws.client("dsql")
    identifier = dsql.create_cluster(deletionProtectionEnabled=False)["identifier"]
    dsql.get_waiter("cluster_active").wait(identifier=identifier, WaiterConfig={"Delay": 0.05})
    assert identifier in behind()
    dsql.delete_cluster(identifier=identifier)
    dsql.get_waiter("cluster_not_exists").wait(identifier=identifier, WaiterConfig={"Delay": 0.05})
    assert identifier not in behind()


def test_who_makes_a_stream_is_told_that_no_record_flows(aws: LocalCloud, capfd: pytest.CaptureFixture[str]) -> None:
    dsql = aws.client("dsql")
    identifier = dsql.create_cluster(deletionProtectionEnabled=False)["identifier"]
    kinesis = {
        "streamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/it",
        "roleArn": "arn:aws:iam::123456789012:role/writes",
    }
    made = dsql.create_stream(
        clusterIdentifier=identifier, targetDefinition={"kinesis": kinesis}, ordering="UNORDERED", format="JSON"
    )
    assert f"{made['arn']} is kept and described; no record flows" in capfd.readouterr().err
    dsql.delete_cluster(identifier=identifier)
