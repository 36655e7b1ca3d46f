"""The data plane of the stand-in: clusters, the addresses before them, and who may come in."""

import asyncio
import contextlib
import secrets
import signal
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from pytest_dsql.local.cluster.cluster import Cluster
from pytest_dsql.local.cluster.limits import Limits
from pytest_dsql.local.iam import tokens
from pytest_dsql.local.iam.principals import Document, Principals, maps_to
from pytest_dsql.local.iam.refusals import NOT_MAPPED
from pytest_dsql.local.network import addresses
from pytest_dsql.local.network.certificates import Authority
from pytest_dsql.local.postgres import provider as postgres
from pytest_dsql.local.proxy.listener import Listener

IDENTIFIER: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
IDENTIFIER_LENGTH: Final = 26
"""A cluster's id is ``[a-z0-9]{26}`` (service model of 2026-09)."""


class DataPlane:
    """Clusters by their endpoint. Used by one event loop; ``close`` removes everything it started.

    ``address`` and ``port`` serve every cluster by its name; ``addresses`` are the clusters' own, at the same port.
    """

    def __init__(
        self, folder: Path, principals: Principals, region: str, account: str, *, strict_catalog: bool = False
    ) -> None:
        """``strict_catalog`` has the sessions of all clusters meet OC001 in the worst case."""
        self.region, self.account, self._strict_catalog = region, account, strict_catalog
        self._principals = principals
        self._clusters: dict[str, Cluster] = {}
        self._servers: dict[str, contextlib.ExitStack] = {}
        self.authority = Authority(folder)
        self._listener = Listener(self, self.authority)
        self.addresses: dict[str, str] = {}
        self.address, self.port, self._shares = addresses.SHARED, addresses.PORT, False

    def start(self, port: int = 0, beyond: str | None = None) -> None:
        """Listen; raise OSError where a ``port`` was asked for and is taken.

        On loopback, unless ``beyond`` is an address that others can reach: then all clusters share it.
        """
        if beyond:
            self.port, self._shares = addresses.beyond(self._listener.listen, beyond, port), True
            print(f"listening at {beyond} port {self.port}, not for this machine alone", file=sys.stderr, flush=True)
            return
        self.address, self.port = addresses.first(self._listener.listen, port)

    async def close(self) -> None:
        """End every connection, then every cluster."""
        await self._listener.close()
        self.addresses.clear()
        for host in list(self._clusters):
            await self._remove(host)

    async def create_cluster(
        self, identifier: str | None = None, limits: Limits | None = None, data: Path | None = None
    ) -> Cluster:
        """Start a cluster; ``data`` is a folder that keeps its contents, durably, for a next time.

        Raises PostgresUnavailable.
        """
        identifier = identifier or "".join(secrets.choice(IDENTIFIER) for _ in range(IDENTIFIER_LENGTH))
        stack = contextlib.ExitStack()
        server = await asyncio.to_thread(stack.enter_context, postgres.start("embedded", data=data))
        cluster = Cluster(identifier, self.region, self.account, server.url, limits or Limits())
        cluster.strict_catalog, cluster.lost = self._strict_catalog, self._lost
        self._servers[cluster.host] = stack
        try:
            await cluster.start(kept=data is not None)
        except BaseException:
            await asyncio.to_thread(stack.close)
            raise
        self._clusters[cluster.host] = cluster
        own = None if self._shares else addresses.of_cluster(self._listener.listen, cluster.host, self.port)
        self.addresses[cluster.host] = own or self.address
        return cluster

    @staticmethod
    def _lost(text: str) -> None:
        """End the stand-in: it does not stay up without one of its clusters."""
        print(text, file=sys.stderr, flush=True)
        signal.raise_signal(signal.SIGTERM)

    async def delete_cluster(self, identifier: str) -> None:
        """End a cluster and its connections; raise KeyError where there is none of that id."""
        host = next(host for host in self._clusters if host.startswith(f"{identifier}."))
        await self._remove(host)

    async def restart_endpoint(self, identifier: str, closed_s: float) -> int:
        """Close where a cluster is reached, with all its connections, and open it again so many seconds later.

        Nobody comes in meanwhile who wants to another cluster by the address that all share; who is in stays. Returns
        how many connections were ended. Raises OSError where an address cannot be had again.
        """
        host = self.by_id(identifier).host
        return await self._listener.restart(host, {self.addresses[host], self.address}, self.port, closed_s)

    async def _remove(self, host: str) -> None:
        cluster, address = self._clusters.pop(host), self.addresses.pop(host, self.address)
        if address != self.address:
            await self._listener.leave(address)
        cluster.end_sessions()
        await cluster.close()
        await asyncio.to_thread(self._servers.pop(host).close)

    def cluster(self, host: str) -> Cluster | None:
        """Return the cluster whose endpoint is ``host``."""
        return self._clusters.get(host.lower())

    def by_id(self, identifier: str) -> Cluster:
        """Return a cluster by its id; raise KeyError where there is none."""
        for cluster in self._clusters.values():
            if cluster.id == identifier:
                return cluster
        raise KeyError(identifier)

    def describe(self, identifier: str, policy: Document | None, tags: Mapping[str, str]) -> None:
        """Let a cluster's resource-based policy and tags count from the next sign-in on; raise KeyError."""
        cluster = self.by_id(identifier)
        cluster.policy, cluster.tags = policy, dict(tags)

    async def admit(self, cluster: Cluster, user: str, token: str, now: datetime) -> None:
        """Raise AccessDenied where the token does not let ``user`` in."""
        asked = tokens.ClusterIdentity(cluster.id, cluster.region, cluster.account, cluster.policy, cluster.tags)
        principal = tokens.verify(token, tokens.Attempt(cluster.host, user), asked, self._principals, now)
        if user == tokens.ADMIN:
            return
        arns = await cluster.mapped_arns(user)
        if not any(maps_to(principal, arn) for arn in arns or ()):
            raise NOT_MAPPED.refusal(arn=principal.arn, user=user)
