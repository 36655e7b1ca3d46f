"""Aurora DSQL's clusters as the control plane has them, each with a cluster of the data plane behind it.

Methods run in threads of moto's; what takes time runs on the data plane's loop, and is seen by its status meanwhile.
"""

import asyncio
from typing import Any, ClassVar, Final

from moto.dsql.models import AuroraDSQLBackend

from pytest_dsql.local.aws.dsql import facts
from pytest_dsql.local.aws.dsql.cluster import ClusterRecord
from pytest_dsql.local.aws.dsql.errors import Conflict, Invalid, NotFound, QuotaExceeded
from pytest_dsql.local.aws.dsql.keys import key_arn
from pytest_dsql.local.aws.dsql.policies import effective
from pytest_dsql.local.aws.dsql.regions import check_regions
from pytest_dsql.local.aws.dsql.streams import Streams, repeated
from pytest_dsql.local.dataplane import DataPlane

START_LIMIT_S: Final = 60.0


class Clusters(Streams):
    """Clusters that can be connected to, from ACTIVE on."""

    # moto finds a backend's URLs beside the module that it names.
    __module__ = AuroraDSQLBackend.__module__

    plane: ClassVar[DataPlane]

    # Clusters

    def create_cluster(  # noqa: PLR0913, PLR0917 - moto calls it with the members of the request
        self,
        deletion_protection_enabled: bool,  # noqa: FBT001
        tags: dict[str, str] | None,
        client_token: str | None,
        kms_encryption_key: str | None = None,
        multi_region_properties: dict[str, Any] | None = None,
        policy: str | None = None,
    ) -> Any:
        """Begin to create a cluster, and return it; the same one where the client token is known."""
        asked = (deletion_protection_enabled, tags, kms_encryption_key, multi_region_properties, policy)
        for known in self.clusters.values():
            if client_token and known.client_token == client_token:
                return repeated(known, asked, known.identifier, "cluster")
        check_regions(multi_region_properties, self.region_name)
        effective(policy)
        self._check_quota(multi_region_properties)
        made: Any = ClusterRecord(
            self.region_name,
            self.account_id,
            deletion_protection_enabled,
            dict(tags or {}),
            client_token,
            key_arn(kms_encryption_key, self.account_id, self.region_name),
            multi_region_properties,
            policy,
            asked,
            policy_version="1" if policy else None,
        )
        self.clusters[made.identifier] = made
        # Who is so fast as to connect at once is let in: applications do so, and on AWS it takes them longer.
        self._begin(self._run(made)).result(START_LIMIT_S)
        made.work = self._begin(self._settle(made))
        return made

    def _check_quota(self, multi_region_properties: dict[str, Any] | None) -> None:
        """Raise QuotaExceeded; clusters that are being deleted do not count."""
        multi, clusters = bool(multi_region_properties), list[Any](self.clusters.values())
        like = [each for each in clusters if bool(each.multi_region_properties) is multi and each.status != "DELETING"]
        if len(like) >= (facts.MULTI_REGION_CLUSTERS if multi else facts.CLUSTERS):
            raise QuotaExceeded(facts.TOO_MANY_CLUSTERS, self.account_id, "cluster")

    def get_cluster(self, identifier: str) -> Any:
        """Return a cluster; raise NotFound."""
        if identifier not in self.clusters:
            arn = f"arn:aws:dsql:{self.region_name}:{self.account_id}:cluster/{identifier}"
            raise NotFound(facts.NOT_FOUND.format(arn=arn), identifier, "cluster")
        return self.clusters[identifier]

    def update_cluster(
        self,
        identifier: str,
        deletion_protection_enabled: bool | None,  # noqa: FBT001
        kms_encryption_key: str | None,
        multi_region_properties: dict[str, Any] | None,
    ) -> Any:
        """Change a cluster; its status is UPDATING for a while."""
        cluster = self._changeable(identifier)
        check_regions(multi_region_properties, self.region_name)
        key = key_arn(kms_encryption_key, self.account_id, self.region_name)
        if deletion_protection_enabled is not None:
            cluster.deletion_protection_enabled = deletion_protection_enabled
        if kms_encryption_key is not None:
            cluster.kms_key_arn, cluster.encryption_status = key, "UPDATING"
        if multi_region_properties is not None:
            cluster.multi_region_properties = {**(cluster.multi_region_properties or {}), **multi_region_properties}
        if cluster.status != "CREATING":
            cluster.status = "UPDATING"
            cluster.work = self._begin(self._update(cluster))
        return cluster

    def delete_cluster(self, identifier: str) -> Any:
        """Begin to delete a cluster: its connections end at once. Raises Invalid where it is protected."""
        cluster = self.get_cluster(identifier)
        if cluster.deletion_protection_enabled:
            raise Invalid(facts.PROTECTED.format(arn=cluster.arn), "deletionProtectionEnabled")
        if cluster.status not in {"DELETING", "PENDING_DELETE"}:
            before, cluster.status = cluster.work, "PENDING_DELETE" if cluster.peers else "DELETING"
            cluster.work = self._begin(self._end(cluster, before))
        return cluster

    @staticmethod
    def settled(cluster: Any) -> Any:
        """Wait until the last change of a cluster is over, as CloudFormation does; raise Conflict where it failed."""
        cluster.work.result(START_LIMIT_S)
        if cluster.status == "FAILED":
            raise Conflict(f"Cluster {cluster.identifier} could not be started.", cluster.identifier, "cluster")
        return cluster

    # What takes time

    async def _update(self, cluster: ClusterRecord) -> None:
        await self._run(cluster)
        await self._settle(cluster)
        cluster.encryption_status = "ENABLED"

    async def _settle(self, cluster: ClusterRecord) -> None:
        await asyncio.sleep(self.settle_s)
        if cluster.status in {"CREATING", "UPDATING"}:
            cluster.status = "ACTIVE" if cluster.runs else "PENDING_SETUP"

    async def _run(self, cluster: ClusterRecord) -> None:
        """Let the data plane have the cluster, unless it waits for its peers."""
        if cluster.runs or cluster.waits_for_peers:
            return
        try:
            await self.plane.create_cluster(cluster.identifier)
        except Exception:
            cluster.status = "FAILED"
            raise
        cluster.runs = True
        self.plane.describe(cluster.identifier, effective(cluster.policy), cluster.tags)

    async def _end(self, cluster: ClusterRecord, before: Any) -> None:
        await asyncio.wait([asyncio.wrap_future(before)])
        if cluster.status == "PENDING_DELETE":
            # Its peers are in Regions that the stand-in has not: they count as deleted next.
            await asyncio.sleep(self.settle_s)
            cluster.status = "DELETING"
        waiting = asyncio.create_task(asyncio.sleep(self.settle_s))
        if cluster.runs:
            await self.plane.delete_cluster(cluster.identifier)
        await waiting
        del self.clusters[cluster.identifier]

    def _told(self, cluster: ClusterRecord) -> None:
        """Let the data plane judge by a cluster's policy and tags as they are now."""
        if cluster.runs:
            self._begin(self._describe(cluster)).result(START_LIMIT_S)

    async def _describe(self, cluster: ClusterRecord) -> None:
        self.plane.describe(cluster.identifier, effective(cluster.policy), cluster.tags)

    # Tags

    def tag_resource(self, identifier: str, tags: dict[str, str]) -> None:
        """Add tags to a cluster or a stream."""
        reserved = next((key for key in tags if key.lower().startswith("aws:")), None)
        if reserved:
            raise Invalid(f"The tag key {reserved} begins with aws:, which is reserved.", "fieldValidationFailed")
        super().tag_resource(identifier, tags)
        self._tagged(identifier)

    def untag_resource(self, identifier: str, tag_keys: list[str]) -> None:
        """Take tags from a cluster or a stream."""
        super().untag_resource(identifier, tag_keys)
        self._tagged(identifier)

    def _tagged(self, identifier: str) -> None:
        resource: Any = self._get_resource(self._identifier_from_arn(identifier))
        if isinstance(resource, ClusterRecord):
            self._told(resource)

    # Policies

    def put_cluster_policy(self, identifier: str, policy: str, expected_policy_version: str | None) -> str:
        """Set a cluster's policy; it counts from the next sign-in on."""
        effective(policy)
        cluster = self._changeable(identifier)
        self._validate_policy_version(cluster, expected_policy_version)
        cluster.policy, cluster.policy_version = policy, str(int(cluster.policy_version or 0) + 1)
        self._told(cluster)
        return str(cluster.policy_version)

    def get_cluster_policy(self, identifier: str) -> tuple[str, str]:
        """Return a cluster's policy and its version; raise NotFound where it has none."""
        cluster = self.get_cluster(identifier)
        if cluster.policy is None:
            raise NotFound(f"Cluster {identifier} has no resource-based policy.", identifier, "cluster-policy")
        return cluster.policy, cluster.policy_version

    def delete_cluster_policy(self, identifier: str, expected_policy_version: str | None) -> str:
        """Take a cluster's policy away; return the version that it had."""
        _, version = self.get_cluster_policy(identifier)
        cluster = self._changeable(identifier)
        self._validate_policy_version(cluster, expected_policy_version)
        cluster.policy = None
        self._told(cluster)
        return version
