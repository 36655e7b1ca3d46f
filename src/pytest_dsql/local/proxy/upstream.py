"""The proxy's own connection to PostgreSQL, on behalf of one session."""

import asyncio
import struct
from collections.abc import Callable, Mapping
from typing import Final, cast

from psycopg import conninfo

from pytest_dsql.local.cluster.cluster import SHUTDOWN, Cluster
from pytest_dsql.local.cluster.limits import Limits
from pytest_dsql.local.occ import words
from pytest_dsql.local.proxy import wire

START_LIMIT_S: Final = 10.0
SETTINGS: Final = {
    "default_transaction_isolation": "repeatable read",
    "default_text_search_config": "pg_catalog.simple",
    "timezone": "UTC",
}
"""Of every session, before its own: Aurora DSQL has one isolation level and one text search configuration."""

_ALLOWED: Final = frozenset(
    {
        "application_name",
        "client_encoding",
        "datestyle",
        "extra_float_digits",
        "intervalstyle",
        "search_path",
        "timezone",
    }
)
"""What a client may set in its startup message: the settings that SET accepts (user guide, 2026-10)."""
_NOT_SETTINGS: Final = frozenset({"user", "database", "options", "replication"})
_VERSION: Final = wire.parameter("server_version", "16.15")
"""What a cluster of 2026-09 reports."""


class UnsupportedSettingError(Exception):
    """A startup message asks for a setting that the service does not know."""


class UpstreamError(Exception):
    """PostgreSQL did not let the session in; the text is its own."""


class ServerDown(UpstreamError):
    """PostgreSQL does not run, or not yet."""


class Upstream(asyncio.Protocol):
    """The connection. What PostgreSQL says goes to ``received`` once the session has begun; its end is the client's.

    ``parameters`` are the ParameterStatus messages with which it begins, ``pid`` the process behind it.
    """

    def __init__(self, client: asyncio.Transport, received: Callable[[bytes], None]) -> None:
        self._client, self._received = client, received
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.parameters = _VERSION
        self.pid = 0
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand on what PostgreSQL says."""
        if not self.started.done():
            self._start(data)
        elif not self.started.cancelled():
            self._received(data)

    def connection_lost(self, _error: Exception | None) -> None:
        """End the client's connection too."""
        if self.started.done():
            self._client.close()
        else:
            self.started.set_exception(ServerDown("the server closed the connection"))

    def _start(self, data: bytes) -> None:
        """Read how PostgreSQL greets, up to its being ready."""
        self._buffer += data
        for kind, at, end in wire.messages(self._buffer):
            message = self._buffer[at:end]
            match chr(kind):
                case "S" if not message[5:].startswith(b"server_version\0"):
                    self.parameters += message
                case "K":
                    (self.pid,) = struct.unpack_from("!i", message, 5)
                case "E":
                    told = wire.fields(message[5:])
                    kind_of = ServerDown if told.get("C", "").startswith(SHUTDOWN) else UpstreamError
                    self.started.set_exception(kind_of(told.get("M", "")))
                    return
                case "Z":
                    self.started.set_result(None)
                    return  # what may follow is why it ends so soon; its end follows, too

    def pause_writing(self) -> None:
        """Let the client wait while PostgreSQL is slow."""
        self._client.pause_reading()

    def resume_writing(self) -> None:
        """Let the client go on."""
        self._client.resume_reading()

    def send(self, data: bytes) -> None:
        """Send to PostgreSQL; what is late for it, since the session has ended, goes nowhere."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        """End the session in PostgreSQL; an open transaction is rolled back."""
        self.transport.abort()


async def open_upstream(
    cluster: Cluster, startup: Mapping[str, str], client: asyncio.Transport, received: Callable[[bytes], None]
) -> Upstream:
    """Begin a session of ``startup``'s user, over the server's private socket, which trusts us.

    Raises UnsupportedSettingError, ServerDown, or UpstreamError where PostgreSQL does not let the user in.
    """
    settings = {**SETTINGS, **_limits(cluster.limits), **_settings(startup)}
    options = " ".join(f"-c {name}={_escaped(value)}" for name, value in settings.items())
    words = {"user": startup["user"], "database": "postgres", "options": options}
    body = struct.pack("!i", wire.PROTOCOL_3) + b"".join(map(wire.text, (w for pair in words.items() for w in pair)))
    path = f"{conninfo.conninfo_to_dict(cluster.url)['host']}/.s.PGSQL.5432"
    try:
        _, upstream = await asyncio.get_running_loop().create_unix_connection(lambda: Upstream(client, received), path)
    except OSError as error:
        raise ServerDown(str(error)) from None
    upstream.send(struct.pack("!i", len(body) + 5) + body + b"\0")
    try:
        await asyncio.wait_for(upstream.started, START_LIMIT_S)
    except BaseException:
        upstream.close()
        raise
    return upstream


def _limits(limits: Limits) -> dict[str, str]:
    """Return the engine's limits as its settings."""
    return {words.ROW_LIMIT_SETTING: str(limits.rows), words.SIZE_LIMIT_SETTING: str(limits.size)}


def _settings(startup: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a startup message: its own parameters and those in ``options``."""
    asked = {name: value for name, value in startup.items() if name not in _NOT_SETTINGS}
    words = startup.get("options", "").replace("-c ", "-c").split()
    for word in words:
        name, _, value = word.removeprefix("-c").removeprefix("--").partition("=")
        asked[name.replace("-", "_")] = value
    for name in asked:
        if name.lower() not in _ALLOWED:
            raise UnsupportedSettingError(name)
    return {name.lower(): value for name, value in asked.items()}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
