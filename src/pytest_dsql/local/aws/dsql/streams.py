"""Streams of changes: kept and described as the service's model has them. No record flows through them."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, ClassVar, Final

from moto.dsql.models import AuroraDSQLBackend

from pytest_dsql.local.aws.dsql import facts
from pytest_dsql.local.aws.dsql.cluster import ClusterRecord, StreamRecord
from pytest_dsql.local.aws.dsql.errors import Conflict, NotFound, QuotaExceeded

_REPEATED: Final = "A {kind} was already created with this client token and different parameters."


class Streams(AuroraDSQLBackend):
    """Streams of clusters."""

    # moto finds a backend's URLs beside the module that it names.
    __module__ = AuroraDSQLBackend.__module__

    loop: ClassVar[asyncio.AbstractEventLoop]
    settle_s: ClassVar[float]
    """How long a cluster or a stream is CREATING, UPDATING or DELETING at the least."""

    def _begin(self, work: Coroutine[Any, Any, None]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def _changeable(self, identifier: str) -> Any:
        cluster: Any = self.get_cluster(identifier)
        if cluster.status in {"DELETING", "PENDING_DELETE"}:
            text = f"Cluster {identifier} is in status {cluster.status} and can not be changed."
            raise Conflict(text, identifier, "cluster")
        return cluster

    def create_stream(  # noqa: PLR0913, PLR0917 - moto calls it with the members of the request
        self,
        cluster_identifier: str,
        target_definition: dict[str, Any],
        ordering: str,
        format_: str,
        tags: dict[str, str] | None,
        client_token: str | None,
    ) -> Any:
        """Keep a stream as it is asked for."""
        cluster = self._changeable(cluster_identifier)
        made = StreamRecord(
            cluster_identifier, cluster.arn, target_definition, ordering, format_, dict(tags or {}), client_token
        )
        for known in cluster.streams.values():
            if client_token and known.client_token == client_token:
                return repeated(known, made.asked, known.stream_identifier, "stream")
        if len(cluster.streams) >= facts.STREAMS:
            raise QuotaExceeded(facts.TOO_MANY_STREAMS, cluster_identifier, "stream")
        cluster.streams[made.stream_identifier] = made
        print(facts.NO_RECORDS.format(arn=made.arn), file=sys.stderr, flush=True)
        self._begin(self._start_stream(made))
        return made

    async def _start_stream(self, stream: StreamRecord) -> None:
        await asyncio.sleep(self.settle_s)
        if stream.status == "CREATING":
            stream.status = "ACTIVE"

    def get_stream(self, cluster_identifier: str, stream_identifier: str) -> Any:
        """Return a stream; raise NotFound."""
        cluster = self.get_cluster(cluster_identifier)
        if stream_identifier not in cluster.streams:
            arn = f"{cluster.arn}/stream/{stream_identifier}"
            raise NotFound(facts.NOT_FOUND.format(arn=arn), stream_identifier, "stream")
        return cluster.streams[stream_identifier]

    def delete_stream(self, cluster_identifier: str, stream_identifier: str) -> Any:
        """Begin to delete a stream."""
        stream = self.get_stream(cluster_identifier, stream_identifier)
        if stream.status != "DELETING":
            stream.status = "DELETING"
            self._begin(self._end_stream(self._changeable(cluster_identifier), stream_identifier))
        return stream

    async def _end_stream(self, cluster: ClusterRecord, identifier: str) -> None:
        await asyncio.sleep(self.settle_s)
        cluster.streams.pop(identifier, None)


def repeated(known: Any, asked: tuple[object, ...], identifier: str, kind: str) -> Any:
    """Return what a client token made before; raise Conflict where something else is asked for now."""
    if known.asked != asked:
        raise Conflict(_REPEATED.format(kind=kind), identifier, kind)
    return known
