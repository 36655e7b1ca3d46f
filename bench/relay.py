"""TLS and a process in between, and nothing else: what any stand-in before PostgreSQL costs at the least.

Run as a program: ``python -m bench.relay SOCKET`` prints its port and relays to the socket until its input ends.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import psutil
import uvloop

from pytest_dsql.local.network.certificates import Authority

HOST: Final = "127.0.0.1"


@contextmanager
def relay(socket: str) -> Iterator[tuple[psutil.Process, dict[str, Any]]]:
    """Relay to a PostgreSQL's socket; yield the process that does, and how libpq gets there."""
    command = [sys.executable, "-m", "bench.relay", socket]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        port = cast("Any", process.stdout).readline().strip()
        if not port:
            raise RuntimeError("the relay did not start")
        # The certificate is not looked at: nobody but this program knows the port.
        way = {"host": HOST, "port": port, "sslmode": "require", "sslnegotiation": "direct"}
        yield psutil.Process(process.pid), way


class _Server(asyncio.Protocol):
    """PostgreSQL's side."""

    def __init__(self, client: asyncio.Transport) -> None:
        self._client = client

    def data_received(self, data: bytes) -> None:
        self._client.write(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._client.close()


class _Client(asyncio.Protocol):
    """A client's side; what it sends before PostgreSQL is reached waits."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._early = b""
        self._server: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connecting = asyncio.ensure_future(self._connect(cast("asyncio.Transport", transport)))

    def data_received(self, data: bytes) -> None:
        if self._server:
            self._server.write(data)
        else:
            self._early += data

    def connection_lost(self, _error: Exception | None) -> None:
        self._connecting.cancel()
        if self._server:
            self._server.abort()

    async def _connect(self, client: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        self._server, _ = await loop.create_unix_connection(lambda: _Server(client), self._socket)
        self._server.write(self._early)


async def _serve(socket: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tls = Authority(Path(folder)).context("localhost")
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    async with await loop.create_server(lambda: _Client(socket), HOST, 0, ssl=tls) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        loop.add_reader(sys.stdin, over.set)
        await over.wait()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1]))
