"""AWS::DSQL::Cluster, with all its properties and attributes. Source: its resource schema of 2026-09."""

from collections.abc import Mapping
from typing import Any, ClassVar

from moto.dsql.models import dsql_backends

from pytest_dsql.local.aws.dsql.backend import Clusters
from pytest_dsql.local.aws.dsql.facts import OWNED_KEY
from pytest_dsql.local.aws.resources.base import Properties, Resource, ResourcePlace, document, tags


class ClusterResource(Resource):
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
    def make(cls, name: str, properties: Properties, place: ResourcePlace) -> "ClusterResource":  # noqa: ARG003 - clusters have none
        """Create the cluster; deletion protection is on unless the template takes it off, as on AWS."""
        cluster = dsql_backends[place.account][place.region].create_cluster(
            properties.get("DeletionProtectionEnabled", True),
            tags(properties),
            None,
            properties.get("KmsEncryptionKey"),
            _regions(properties),
            _policy(properties),
        )
        return cls(Clusters.settled(cluster))

    @classmethod
    def change(cls, resource: "ClusterResource", properties: Properties, place: ResourcePlace) -> "ClusterResource":
        """Change the cluster in place."""
        backend: Any = dsql_backends[place.account][place.region]
        cluster = backend.update_cluster(
            resource.physical_resource_id,
            properties.get("DeletionProtectionEnabled", True),
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
        return resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the cluster, and wait until it is gone."""
        Clusters.settled(dsql_backends[account_id][region_name].delete_cluster(self.physical_resource_id))


def _attribute(cluster: Any, name: str) -> str:
    if name == "creation_time":
        return f"{cluster.creation_time.isoformat(timespec='milliseconds')}Z"
    if name == "encryption_type":
        return str(cluster.encryption_details["encryptionType"])
    return getattr(cluster, name) or ""


def _policy(properties: Properties) -> str | None:
    policy = properties.get("PolicyDocument")
    return None if policy is None else document(policy)


def _regions(properties: Properties) -> dict[str, Any] | None:
    given = properties.get("MultiRegionProperties")
    if given is None:
        return None
    names = {"WitnessRegion": "witnessRegion", "Clusters": "clusters"}
    return {names[key]: value for key, value in given.items()}
