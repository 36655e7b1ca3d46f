"""The proxy's own connection to PostgreSQL, on behalf of one session."""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from typing import Final, cast

import psycopg
from psycopg import sql

from infra.local.proxy import wire

SETTINGS: Final = {
    "default_transaction_isolation": "repeatable read",
    "default_text_search_config": "pg_catalog.simple",
    "TimeZone": "UTC",
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

_REPORTED: Final = (
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "standard_conforming_strings",
    "TimeZone",
)


class UnsupportedSettingError(Exception):
    """A startup message asks for a setting that the service does not know."""


class Upstream(asyncio.Protocol):
    """The connection. What PostgreSQL says goes to ``received``, its end to ``lost``."""

    def __init__(
        self, connection: psycopg.AsyncConnection, received: Callable[[bytes], None], lost: Callable[[], None]
    ) -> None:
        self._connection = connection
        self.received, self._lost = received, lost
        self.pid = connection.info.backend_pid
        self.transport: asyncio.Transport | None = None

    def parameters(self, user: str) -> bytes:
        """Return the ParameterStatus messages of a session that begins."""
        info = self._connection.info
        values = {name: info.parameter_status(name) for name in _REPORTED}
        changed = {"server_version": "16.15", "session_authorization": user, "is_superuser": "off"}
        return b"".join(
            wire.parameter(name, value) for name, value in {**values, **changed}.items() if value is not None
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand on what PostgreSQL says."""
        self.received(data)

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell the session."""
        self._lost()

    def send(self, data: bytes) -> None:
        """Send to PostgreSQL."""
        if self.transport:
            self.transport.write(data)

    async def close(self) -> None:
        """End the session in PostgreSQL; an open transaction is rolled back."""
        if self.transport:
            self.transport.abort()
        await self._connection.close()


async def open_upstream(
    url: str, startup: Mapping[str, str], received: Callable[[bytes], None], lost: Callable[[], None]
) -> Upstream:
    """Sign in to PostgreSQL and become ``startup``'s user.

    The superuser signs in, so that any provider of PostgreSQL serves; the user cannot go back to it, as the proxy
    passes no SET SESSION AUTHORIZATION. Raises UnsupportedSettingError, or psycopg.Error where PostgreSQL refuses.
    """
    options = " ".join(f"-c {name}={_escaped(value)}" for name, value in {**SETTINGS, **_settings(startup)}.items())
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, options=options, sslmode="disable")
    try:
        become = sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(startup["user"]))
        await connection.execute(become)
        upstream = Upstream(connection, received, lost)
        # The connection keeps its own descriptor and never touches the socket again until it is closed.
        own = socket.socket(fileno=os.dup(connection.fileno()))
        await asyncio.get_running_loop().create_connection(lambda: upstream, sock=own)
    except BaseException:
        await connection.close()
        raise
    return upstream


def _settings(startup: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a startup message: its own parameters and those in ``options``."""
    asked = {
        name: value for name, value in startup.items() if name not in {"user", "database", "options", "replication"}
    }
    words = startup.get("options", "").replace("-c ", "-c").split()
    for word in words:
        name, _, value = word.removeprefix("-c").removeprefix("--").partition("=")
        asked[name.replace("-", "_")] = value
    for name in asked:
        if name.lower() not in _ALLOWED:
            raise UnsupportedSettingError(name)
    return asked


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
