"""AWS::DSQL::Cluster, with all its properties and attributes. Source: its resource schema of 2026-09."""

import json
import time
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from moto.dsql.models import dsql_backends

from infra.local.aws.dsql.backend import Clusters
from infra.local.aws.dsql.facts import OWNED_KEY
from infra.local.aws.formation.words import ResourceFailed
from infra.local.aws.resources.base import Resource, flag, tags

LIMIT_S: Final = 60.0
PAUSE_S: Final = 0.02


class Cluster(Resource):
    """A cluster; CloudFormation waits until it is ACTIVE, or waits for its peers."""

    attributes: ClassVar[Mapping[str, str]] = {
        "CreationTime": "creation_time",
        "EncryptionDetails.EncryptionStatus": "encryption_status",
        "EncryptionDetails.EncryptionType": "encryption_type",
        "EncryptionDetails.KmsKeyArn": "kms_key_arn",
        "Endpoint": "endpoint",
        "Identifier": "identifier",
        "PolicyVersion": "policy_version",
        "ResourceArn": "arn",
        "Status": "status",
        "VpcEndpoint": "endpoint",
        "VpcEndpointServiceName": "endpoint_service_name",
    }

    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster
        self.physical_resource_id = cluster.identifier

    def __getattr__(self, name: str) -> Any:
        if name in {"creation_time", "encryption_type", "kms_key_arn", "policy_version"}:
            return _attribute(self.cluster, name)
        if name in self.attributes.values():
            return getattr(self.cluster, name)
        raise AttributeError(name)

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,  # noqa: ARG003
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> "Cluster":
        """Create the cluster; deletion protection is on unless the template takes it off, as on AWS."""
        properties = cloudformation_json["Properties"]
        cluster = dsql_backends[account_id][region_name].create_cluster(
            flag(properties.get("DeletionProtectionEnabled", True)),
            tags(properties),
            None,
            properties.get("KmsEncryptionKey"),
            _regions(properties),
            _policy(properties),
        )
        return cls(Clusters.settled(cluster))

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "Cluster",
        new_resource_name: str,  # noqa: ARG003
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> "Cluster":
        """Change the cluster in place."""
        properties = cloudformation_json["Properties"]
        backend: Any = dsql_backends[account_id][region_name]
        cluster = backend.update_cluster(
            original_resource.physical_resource_id,
            flag(properties.get("DeletionProtectionEnabled", True)),
            properties.get("KmsEncryptionKey", OWNED_KEY),
            _regions(properties),
        )
        backend.untag_resource(cluster.arn, list(cluster.tags))
        backend.tag_resource(cluster.arn, tags(properties))
        policy = _policy(properties)
        if policy:
            backend.put_cluster_policy(cluster.identifier, policy, None)
        elif cluster.policy:
            backend.delete_cluster_policy(cluster.identifier, None)
        Clusters.settled(cluster)
        return original_resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the cluster, and wait until it is gone."""
        backend: Any = dsql_backends[account_id][region_name]
        backend.delete_cluster(self.physical_resource_id)
        until = time.monotonic() + LIMIT_S
        while self.physical_resource_id in backend.clusters:
            if time.monotonic() > until:
                raise ResourceFailed(f"the cluster is still there after {LIMIT_S:.0f} s")
            time.sleep(PAUSE_S)


def _attribute(cluster: Any, name: str) -> str:
    if name == "creation_time":
        return f"{cluster.creation_time.isoformat(timespec='milliseconds')}Z"
    if name == "encryption_type":
        return str(cluster.encryption_details["encryptionType"])
    return getattr(cluster, name) or ""


def _policy(properties: Mapping[str, Any]) -> str | None:
    policy = properties.get("PolicyDocument")
    return policy if policy is None or isinstance(policy, str) else json.dumps(policy)


def _regions(properties: Mapping[str, Any]) -> dict[str, Any] | None:
    given = properties.get("MultiRegionProperties")
    if given is None:
        return None
    names = {"WitnessRegion": "witnessRegion", "Clusters": "clusters"}
    return {names[key]: value for key, value in given.items()}
