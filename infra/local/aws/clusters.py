"""Aurora DSQL's control plane: moto's records, and a cluster of the data plane behind each."""

import asyncio
import secrets
from typing import Any, ClassVar, Final

from moto.dsql.models import AuroraDSQLBackend

from infra.local.dataplane import IDENTIFIER, IDENTIFIER_LENGTH, DataPlane

START_LIMIT_S: Final = 60.0


class Clusters(AuroraDSQLBackend):
    """Clusters that can be connected to. Its methods run in threads of moto's; the data plane has a loop of its own."""

    # moto finds a backend's URLs beside the module that it names.
    __module__ = AuroraDSQLBackend.__module__

    plane: ClassVar[DataPlane]
    loop: ClassVar[asyncio.AbstractEventLoop]

    def create_cluster(self, *arguments: Any, **named: Any) -> Any:
        """Create a cluster with an endpoint that answers."""
        known = set(self.clusters)
        cluster = super().create_cluster(*arguments, **named)
        if cluster.identifier in known:
            return cluster
        del self.clusters[cluster.identifier]
        cluster.identifier = "".join(secrets.choice(IDENTIFIER) for _ in range(IDENTIFIER_LENGTH))
        running = self._await(self.plane.create_cluster(cluster.identifier))
        cluster.arn, cluster.endpoint, cluster.status = running.arn, running.host, "ACTIVE"
        self.clusters[cluster.identifier] = cluster
        return cluster

    def delete_cluster(self, identifier: str) -> Any:
        """Delete a cluster and end its connections."""
        cluster = super().delete_cluster(identifier)
        self._await(self.plane.delete_cluster(identifier))
        del self.clusters[identifier]
        return cluster

    def _await(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(START_LIMIT_S)
