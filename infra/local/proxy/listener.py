"""The port where clients knock: one for all clusters, told apart by the name they ask for (SNI)."""

import asyncio
import contextlib
import socket
import ssl
import weakref
from typing import Final

from infra.local.certificates import Authority
from infra.local.proxy.client import Client, Gate, tls_wanted
from infra.local.tasks import Tasks

NEGOTIATION_S: Final = 10.0
BACKLOG: Final = 1_024


class Listener:
    """A listening socket on the loopback address, and the task that accepts there."""

    def __init__(self, gate: Gate, authority: Authority) -> None:
        self._gate, self._authority = gate, authority
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._asked: weakref.WeakKeyDictionary[ssl.SSLObject, str] = weakref.WeakKeyDictionary()
        self._context = authority.context("unknown.on.aws")
        self._context.sni_callback = self._choose_certificate
        self._clients: set[asyncio.Transport] = set()
        self._tasks = Tasks()

    def start(self, port: int = 0) -> int:
        """Listen and return the port; 0 takes a free one. Raises OSError where it is taken."""
        self._socket = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
        self._socket.settimeout(0)
        self._tasks.spawn(self._accept())
        return int(self._socket.getsockname()[1])

    async def close(self) -> None:
        """Stop listening and end every connection."""
        await self._tasks.cancel()
        self._socket.close()
        for client in list(self._clients):
            client.abort()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self._socket)
            connection.settimeout(0)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._tasks.spawn(self._greet(connection))

    async def _greet(self, connection: socket.socket) -> None:
        """Bring a connection to TLS; a client that goes away or does not get there is simply closed."""
        handed_over = False
        try:
            async with asyncio.timeout(NEGOTIATION_S):
                if await tls_wanted(connection):
                    handed_over = True
                    await self._begin_tls(connection)
        except (OSError, TimeoutError, ssl.SSLError):
            handed_over = False
        finally:
            if not handed_over:
                with contextlib.suppress(OSError):
                    connection.close()

    async def _begin_tls(self, connection: socket.socket) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: Client(self._gate, self._asked, self._clients), connection, ssl=self._context
        )

    def _choose_certificate(self, connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        """Show the certificate of the endpoint that the client asks for; remember what it asked."""
        if name is None or self._gate.cluster(name) is None:
            return
        self._asked[connection] = name
        if name not in self._contexts:
            self._contexts[name] = self._authority.context(name)
        connection.context = self._contexts[name]
