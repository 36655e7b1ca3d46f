"""What is asked of a running stand-in (``link.messages``), done: one method a message, over a socket of the owner's."""

import asyncio
import json
import os
from dataclasses import asdict
from functools import singledispatchmethod
from pathlib import Path
from typing import Any, Protocol

from pytest_dsql.link import messages
from pytest_dsql.link.messages import Message
from pytest_dsql.local.cluster.cluster import Cluster
from pytest_dsql.local.cluster.sessions import OpenSession
from pytest_dsql.local.dataplane import DataPlane
from pytest_dsql.local.iam.principals import Credentials, Principal, PrincipalTable


class RoleSessions(Protocol):
    """Sessions of IAM roles."""

    def expire_sessions(self, role: str) -> int:
        """End the sessions of a role; return how many there were."""
        ...


class FunctionControl(Protocol):
    """Invocations of functions."""

    def kill(self, function: str, number: int, cause: str) -> int:
        """Kill so many environments at most that run an invocation; return how many there were."""
        ...

    def disturb(self, function: str, action: str | None, times: int, seconds: float) -> int:
        """Have the next callers of a function disturbed; return how often what was in force was applied."""
        ...


class Control:
    """The stand-in's end: it does what it is told, one line at a time."""

    def __init__(
        self,
        dataplane: DataPlane,
        principals: PrincipalTable,
        sessions: RoleSessions | None = None,
        functions: FunctionControl | None = None,
    ) -> None:
        self._dataplane, self._principals = dataplane, principals
        self._sessions, self._functions = sessions, functions

    async def start(self, path: Path) -> asyncio.Server:
        """Listen at ``path``, in a folder of the owner's alone."""
        return await asyncio.start_unix_server(self._serve, path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            return {"result": await self._do(messages.decoded(line))}
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is to hear of it
            return {"error": f"{type(error).__name__}: {error}"}

    @singledispatchmethod
    async def _do(self, message: Message) -> Any:
        raise NotImplementedError(type(message).__name__)

    # Clusters

    @_do.register
    async def _create(self, message: messages.CreateCluster) -> dict[str, str]:
        cluster = await self._dataplane.create_cluster(message.identifier)
        return {"id": cluster.id, "host": cluster.host, "arn": cluster.arn}

    @_do.register
    async def _describe(self, message: messages.DescribeCluster) -> dict[str, Any]:
        found = self._cluster(message.cluster)
        return {"id": found.id, "host": found.host, "arn": found.arn, "postgres": found.url, "pid": os.getpid()}

    @_do.register
    async def _empty(self, message: messages.EmptyCluster) -> None:
        await self._cluster(message.cluster).empty()

    @_do.register
    async def _delete(self, message: messages.DeleteCluster) -> None:
        self._cluster(message.cluster)
        await self._dataplane.delete_cluster(message.cluster)

    @_do.register
    async def _addresses(self, _message: messages.Addresses) -> dict[str, str]:
        return self._dataplane.addresses

    # Who signs in

    @_do.register
    async def _add_principal(self, message: messages.AddPrincipal) -> None:
        principal = Principal(message.arn, message.account, tuple(message.policies))
        self._principals.add(Credentials(message.key, message.secret, principal, message.token))

    @_do.register
    async def _expire_role(self, message: messages.ExpireRole) -> int:
        if self._sessions is None:
            raise ValueError("there are no roles in the data plane alone")
        return self._sessions.expire_sessions(message.role)

    # Functions

    @_do.register
    async def _kill_environments(self, message: messages.KillEnvironments) -> int:
        return self._invocations.kill(message.function, message.number, message.cause)

    @_do.register
    async def _disturb_invoke(self, message: messages.DisturbInvoke) -> int:
        return self._invocations.disturb(message.function, message.action, message.times, message.seconds)

    @property
    def _invocations(self) -> FunctionControl:
        if self._functions is None:
            raise ValueError("there are no functions in the data plane alone")
        return self._functions

    # Faults and limits

    @_do.register
    async def _add_fault(self, message: messages.AddFault) -> None:
        cluster = self._cluster(message.cluster)
        fault = cluster.faults.read(message.id, message.settings)
        if fault.table is not None and all(name != fault.table for _, name in cluster.catalog.tables):
            raise ValueError(f"table: there is no table {fault.table}")
        if fault.role is not None and await cluster.mapped_arns(fault.role) is None:
            raise ValueError(f"role: there is no role {fault.role} that may sign in")
        cluster.faults.add(fault)

    @_do.register
    async def _remove_fault(self, message: messages.RemoveFault) -> int:
        return self._cluster(message.cluster).faults.remove(message.id)

    @_do.register
    async def _list_faults(self, message: messages.ListFaults) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._cluster(message.cluster).faults.rules.values()]

    @_do.register
    async def _commits(self, message: messages.Commits) -> dict[str, int]:
        return dict(self._cluster(message.cluster).commits)

    @_do.register
    async def _conflicts(self, message: messages.Conflicts) -> dict[str, int]:
        return dict(self._cluster(message.cluster).conflicts)

    @_do.register
    async def _set_limits(self, message: messages.SetLimits) -> dict[str, float]:
        return self._cluster(message.cluster).limits.change(message.limits)

    @_do.register
    async def _set_strict_catalog(self, message: messages.SetStrictCatalog) -> None:
        self._cluster(message.cluster).strict_catalog = message.strict

    # Statements held

    @_do.register
    async def _hold_statements(self, message: messages.HoldStatements) -> None:
        self._cluster(message.cluster).hold.turn(on=message.held)

    @_do.register
    async def _proceed(self, message: messages.Proceed) -> dict[str, Any]:
        return await self._cluster(message.cluster).hold.proceed(message.statement, message.limit_s)

    @_do.register
    async def _no_more(self, message: messages.NoMore) -> None:
        self._cluster(message.cluster).hold.no_more()

    # Sessions

    @_do.register
    async def _sessions_of(self, message: messages.Sessions) -> list[int]:
        return sorted(self._cluster(message.cluster).sessions)

    @_do.register
    async def _in_transaction(self, message: messages.InTransaction) -> list[int]:
        sessions = self._cluster(message.cluster).sessions
        return sorted(pid for pid, session in sessions.items() if session.in_transaction)

    @_do.register
    async def _expire(self, message: messages.Expire) -> None:
        self._session(message.cluster, message.session).close()

    @_do.register
    async def _end_backend(self, message: messages.EndBackend) -> None:
        await self._cluster(message.cluster).end_backend(self._session(message.cluster, message.session).pid)

    @_do.register
    async def _restart_endpoint(self, message: messages.RestartEndpoint) -> int:
        self._cluster(message.cluster)
        return await self._dataplane.restart_endpoint(message.cluster, message.closed_s)

    @_do.register
    async def _kill_server(self, message: messages.KillServer) -> None:
        await self._cluster(message.cluster).kill_server()

    def _session(self, cluster: str, pid: int) -> OpenSession:
        session = self._cluster(cluster).sessions.get(pid)
        if session is None:
            raise ValueError(f"session: there is no session {pid}")
        return session

    def _cluster(self, identifier: str) -> Cluster:
        try:
            return self._dataplane.by_id(identifier)
        except KeyError:
            raise ValueError(f"cluster: there is no cluster {identifier}") from None
