"""A client's connection: negotiation of TLS, sign-in with a token, and then the session."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, cast

import psycopg

from pytest_dsql.local.cluster.cluster import Cluster
from pytest_dsql.local.cluster.faults import LATER
from pytest_dsql.local.dialect import Refusal, facts
from pytest_dsql.local.iam.refusals import AccessDenied
from pytest_dsql.local.proxy import wire
from pytest_dsql.local.proxy.session import ClientSession
from pytest_dsql.local.proxy.upstream import (
    ServerDown,
    UnsupportedSettingError,
    Upstream,
    UpstreamError,
    open_upstream,
)

TLS_CLIENT_HELLO: Final = 0x16
SHORTEST_STARTUP: Final = 8
STANDING_LIMIT_S: Final = 30.0
"""How long a sign-in waits for a server that is started again."""
PAUSE_S: Final = 0.02
LONGEST_STARTUP: Final = 10_000
"""PostgreSQL's own limits: a length and a protocol at least, and MAX_STARTUP_PACKET_LENGTH."""

NO_TLS: Final = facts.NO_TLS.refusal()
NO_SNI: Final = facts.NO_SNI.refusal()
TOO_MANY: Final = facts.TOO_MANY.refusal()
TOO_FAST: Final = facts.TOO_FAST.refusal()


class Gate(Protocol):
    """Who may come in: found by the name a client asks for, judged by its token."""

    def cluster(self, host: str) -> Cluster | None:
        """Return the cluster whose endpoint is ``host``."""

    async def admit(self, cluster: Cluster, user: str, token: str, now: datetime) -> None:
        """Raise AccessDenied where the token does not let ``user`` in."""


async def tls_wanted(connection: socket.socket) -> bool:
    """Negotiate on a fresh connection; True where the client is about to begin TLS, False where it is to be closed."""
    loop = asyncio.get_running_loop()
    while True:
        head = await _peek(connection, 8)
        if head[:1] == bytes([TLS_CLIENT_HELLO]):
            return True
        if len(head) < 8:
            return False
        code = struct.unpack("!ii", head)[1]
        if code == wire.CANCEL_REQUEST:
            # Aurora DSQL ignores cancel requests (live protocol of 2026-09).
            return False
        if code not in {wire.SSL_REQUEST, wire.GSS_REQUEST}:
            await loop.sock_sendall(connection, fatal(NO_TLS))
            return False
        connection.recv(8)
        await loop.sock_sendall(connection, b"S" if code == wire.SSL_REQUEST else b"N")
        if code == wire.SSL_REQUEST:
            return True


async def _peek(connection: socket.socket, size: int) -> bytes:
    """Look at what has come, at least ``size`` bytes of it unless it is the start of TLS or the end."""
    loop, seen = asyncio.get_running_loop(), -1
    while True:
        readable = loop.create_future()
        loop.add_reader(connection.fileno(), _wake, readable)
        try:
            await readable
        finally:
            loop.remove_reader(connection.fileno())
        head = connection.recv(size, socket.MSG_PEEK)
        if len(head) in {size, seen} or head[:1] in {b"", bytes([TLS_CLIENT_HELLO])}:
            return head
        # A part has come; the rest follows at once, or never.
        seen = len(head)
        await asyncio.sleep(0.01)


def _wake(waiting: asyncio.Future[None]) -> None:
    """End a wait, unless it is over: what comes in the moment of a cancellation is nobody's any more."""
    if not waiting.done():
        waiting.set_result(None)


def fatal(refusal: Refusal) -> bytes:
    """The refusal as the last message of a connection."""
    return wire.fatal(refusal.sqlstate, refusal.message, refusal.hint)


class Client(asyncio.Protocol):
    """The protocol of one client, over TLS."""

    def __init__(self, gate: Gate, asked: Mapping[ssl.SSLObject, str], open_clients: set[asyncio.Transport]) -> None:
        """``asked`` holds the name that each TLS connection asked for; ``open_clients`` whom to close at the end."""
        self._gate, self._asked, self._open = gate, asked, open_clients
        self._buffer = b""
        self._cluster: Cluster | None = None
        self._startup: dict[str, str] | None = None
        self._session: ClientSession | None = None
        self._signing_in: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; the client speaks first."""
        self._transport = cast("asyncio.Transport", transport)
        self._open.add(self._transport)

    def data_received(self, data: bytes) -> None:
        """Hand on to the session, once there is one."""
        if self._session:
            self._session.client_data(data)
            return
        self._buffer += data
        if self._startup is None:
            self._read_startup()
        elif self._signing_in is None:
            self._read_password()

    def pause_writing(self) -> None:
        """Let PostgreSQL wait while the client is slow."""
        if self._session and self._session.upstream:
            self._session.upstream.transport.pause_reading()

    def resume_writing(self) -> None:
        """Let PostgreSQL go on."""
        if self._session and self._session.upstream:
            self._session.upstream.transport.resume_reading()

    def connection_lost(self, _error: Exception | None) -> None:
        """End the session."""
        self._open.discard(self._transport)
        if self._signing_in and not self._signing_in.done():
            self._signing_in.cancel()
        if self._session:
            self._session.ended()

    def _read_startup(self) -> None:
        if len(self._buffer) < 4:
            return
        (length,) = struct.unpack_from("!i", self._buffer)
        if not SHORTEST_STARTUP <= length <= LONGEST_STARTUP:
            self._refuse(Refusal("08P01", "invalid length of startup packet"))
        elif len(self._buffer) < SHORTEST_STARTUP:
            return
        elif struct.unpack_from("!i", self._buffer, 4)[0] >> 16 != 3:
            self._transport.close()
        elif len(self._buffer) >= length:
            startup, self._buffer = wire.startup_parameters(self._buffer[4:length]), self._buffer[length:]
            if refusal := self._unwelcome(startup):
                self._refuse(refusal)
                return
            self._startup = startup
            self._transport.write(wire.ASK_PASSWORD)

    def _unwelcome(self, startup: dict[str, str]) -> Refusal | None:
        """Say why the client is refused before it is asked for its token."""
        host = self._asked.get(self._transport.get_extra_info("ssl_object"))
        self._cluster = self._gate.cluster(host) if host else None
        if self._cluster is None:
            return NO_SNI
        if len(self._cluster.sessions) >= self._cluster.limits.connections:
            return TOO_MANY
        if not self._cluster.rate.admits():
            return TOO_FAST
        database = startup.get("database") or startup.get("user", "")
        if database != "postgres":
            return Refusal("3D000", f'database "{database}" does not exist')
        return None

    def _read_password(self) -> None:
        for kind, at, end in wire.messages(self._buffer):
            password, self._buffer = self._buffer[at + 5 : end - 1], self._buffer[end:]
            if kind != ord("p"):
                self._refuse(Refusal("08P01", f"expected password response, got message type {kind}"))
                return
            self._signing_in = asyncio.get_running_loop().create_task(self._sign_in(password.decode(errors="replace")))
            return

    async def _sign_in(self, token: str) -> None:
        cluster, startup = self._cluster, self._startup or {}
        if cluster is None:
            return
        user, now = startup.get("user", ""), datetime.now(UTC)
        try:
            for fault in cluster.faults.take("sign_in", user):
                await asyncio.sleep(fault.seconds)
                if fault.action == "fail" and fault.refusal:
                    self._refuse(fault.refusal)
                    return
                now += LATER if fault.action == "fail" else timedelta()
            async with asyncio.timeout(STANDING_LIMIT_S):
                await cluster.standing.wait()
                await self._gate.admit(cluster, user, token, now)
                await self._begin(cluster, startup)
        except AccessDenied as denied:
            self._refuse(Refusal(denied.sqlstate, denied.message, denied.hint))
        except UnsupportedSettingError as setting:
            self._refuse(facts.SETTING.refusal(setting))
        except TimeoutError:
            self._refuse(Refusal("XX000", f"server unavailable: it did not answer within {STANDING_LIMIT_S:g} s"))
        except (UpstreamError, OSError, psycopg.OperationalError) as error:
            self._refuse(Refusal("XX000", f"server unavailable: {error}"))

    async def _begin(self, cluster: Cluster, startup: dict[str, str]) -> None:
        session = ClientSession(cluster, self._transport, startup["user"])
        upstream = await self._opened(cluster, startup, session)
        self._session = session
        self._transport.write(wire.AUTHENTICATION_OK + upstream.parameters + wire.key_data(upstream.pid, 0))
        limit = asyncio.get_running_loop().call_later(cluster.limits.session_s, session.close)
        session.on_end = limit.cancel
        session.begin(upstream)
        if self._buffer:
            session.client_data(self._buffer)

    async def _opened(self, cluster: Cluster, startup: dict[str, str], session: ClientSession) -> Upstream:
        """Open the session in PostgreSQL, as soon as it stands."""
        while True:
            try:
                return await open_upstream(cluster, startup, self._transport, session.upstream_data)
            except ServerDown:
                await asyncio.sleep(PAUSE_S)

    def _refuse(self, refusal: Refusal) -> None:
        self._transport.write(fatal(refusal))
        self._transport.close()
