"""What the handle (``link.handle``) asks of a running stand-in, done: one JSON object a line, over a socket."""

import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from pytest_dsql.local.dataplane import DataPlane
from pytest_dsql.local.iam.principals import Credentials, Principal, Table


class Sessions(Protocol):
    """Sessions of IAM roles."""

    def expire_sessions(self, role: str) -> int:
        """End the sessions of a role; return how many there were."""
        ...


class Control:
    """The stand-in's end: it does what it is told, one line at a time."""

    def __init__(self, dataplane: DataPlane, principals: Table, sessions: Sessions | None = None) -> None:
        self._dataplane, self._principals, self._sessions = dataplane, principals, sessions

    async def start(self, path: Path) -> asyncio.Server:
        """Listen at ``path``, in a folder of the owner's alone."""
        return await asyncio.start_unix_server(self._serve, path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(json.loads(line))).encode() + b"\n")
                await writer.drain()
        finally:
            writer.close()

    async def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"result": await getattr(self, f"do_{asked.pop('do')}")(**asked)}
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is to hear of it
            return {"error": f"{type(error).__name__}: {error}"}

    async def do_create_cluster(self, identifier: str | None = None) -> dict[str, str]:
        """Start a cluster."""
        cluster = await self._dataplane.create_cluster(identifier)
        return {"id": cluster.id, "host": cluster.host, "arn": cluster.arn}

    async def do_describe_cluster(self, cluster: str) -> dict[str, Any]:
        """Return the cluster's endpoint and, for measuring beside it, its PostgreSQL and our own process."""
        found = self._dataplane.by_id(cluster)
        return {"id": found.id, "host": found.host, "arn": found.arn, "postgres": found.url, "pid": os.getpid()}

    async def do_addresses(self) -> dict[str, str]:
        """Return the address of each cluster, by its endpoint."""
        return self._dataplane.addresses

    async def do_delete_cluster(self, cluster: str) -> None:
        """End a cluster."""
        await self._dataplane.delete_cluster(cluster)

    async def do_add_principal(self, key: str, secret: str, token: str | None = None, **principal: Any) -> None:
        """Let there be a principal (``arn``, ``account``, ``policies``) with these credentials."""
        policies = tuple(principal.pop("policies"))
        self._principals.add(Credentials(key, secret, Principal(policies=policies, **principal), token))

    async def do_add_fault(self, cluster: str, **fault: Any) -> None:
        """Put a fault in force."""
        self._dataplane.by_id(cluster).faults.add(**fault)

    async def do_remove_fault(self, cluster: str, fault: str) -> int:
        """Take a fault back; return how often it was applied."""
        return self._dataplane.by_id(cluster).faults.remove(fault)

    async def do_set_limits(self, cluster: str, **limits: float) -> dict[str, float]:
        """Change limits of new sessions and transactions; return what they were."""
        current = self._dataplane.by_id(cluster).limits
        before = asdict(current)
        for name, value in limits.items():
            if name not in before:
                raise ValueError(f"{name}: there is no such limit; there are {', '.join(before)}")
            setattr(current, name, type(before[name])(value))
        return {name: before[name] for name in limits}

    async def do_set_strict_catalog(self, cluster: str, *, strict: bool) -> None:
        """Say whether new sessions meet OC001 in the worst case."""
        self._dataplane.by_id(cluster).strict_catalog = strict

    async def do_expire(self, cluster: str, session: int) -> None:
        """End a session as the service does after 60 minutes."""
        self._dataplane.by_id(cluster).sessions[session].close()

    async def do_expire_role(self, role: str) -> int:
        """End the sessions of an IAM role, as their time does; return how many there were."""
        if self._sessions is None:
            raise ValueError("there are no roles in the data plane alone")
        return self._sessions.expire_sessions(role)

    async def do_sessions(self, cluster: str) -> list[int]:
        """Return the process ids of a cluster's sessions."""
        return sorted(self._dataplane.by_id(cluster).sessions)
