"""Where clients knock: any address serves all clusters, told apart by the name they ask for (SNI)."""

import asyncio
import contextlib
import socket
import ssl
import weakref
from typing import Final

from pytest_dsql.local.network.certificates import Authority
from pytest_dsql.local.proxy.client import Client, Gate, tls_wanted
from pytest_dsql.local.tasks import Tasks

NEGOTIATION_S: Final = 10.0
BACKLOG: Final = 1_024


class Listener:
    """Listening sockets on loopback addresses, each with the task that accepts there."""

    def __init__(self, gate: Gate, authority: Authority) -> None:
        self._gate, self._authority = gate, authority
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._asked: weakref.WeakKeyDictionary[ssl.SSLObject, str] = weakref.WeakKeyDictionary()
        self._context = authority.context("unknown.on.aws")
        self._context.sni_callback = self._choose_certificate
        self._clients: set[asyncio.Transport] = set()
        self._tasks = Tasks()
        self._doors: dict[str, tuple[socket.socket, asyncio.Task[None]]] = {}

    def listen(self, address: str, port: int) -> int:
        """Listen at an address and return the port; 0 takes a free one. Raises OSError where it cannot be had."""
        door = socket.create_server((address, port), backlog=BACKLOG)
        door.settimeout(0)
        self._doors[address] = door, self._tasks.spawn(self._accept(door))
        return int(door.getsockname()[1])

    async def leave(self, address: str) -> None:
        """Listen there no more."""
        door, accepting = self._doors.pop(address)
        accepting.cancel()
        await asyncio.wait([accepting])
        door.close()

    async def restart(self, host: str, addresses: set[str], port: int, closed_s: float) -> int:
        """Listen at these addresses, or at the only one, no more, end all connections to ``host``, and listen again.

        That is so many seconds later. Returns how many connections there were.

        Raises OSError where the port is somebody else's by then.
        """
        doors = self._doors.keys() & addresses or {*self._doors}
        for address in doors:
            await self.leave(address)
        clients = [each for each in self._clients if self._asked.get(each.get_extra_info("ssl_object")) == host]
        for client in clients:
            client.abort()
        await asyncio.sleep(closed_s)
        for address in doors:
            self.listen(address, port)
        return len(clients)

    async def close(self) -> None:
        """Stop listening and end every connection."""
        await self._tasks.cancel()
        for door, _ in self._doors.values():
            door.close()
        for client in list(self._clients):
            client.abort()

    async def _accept(self, door: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(door)
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
