"""A front before PostgreSQL that signs in as Aurora DSQL does: TLS for the endpoint's name, a token as password.

Behind it is an authenticated connection of its own, so every provider of PostgreSQL serves. It can cut a connection at
a chosen statement, before the server sees it or after the server has answered it. TLS stays real: the client runs with
``verify-full`` and cannot tell.
"""

import contextlib
import os
import select
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    import trustme

HOST = "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws"
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
CLEARTEXT_PASSWORD = b"R" + struct.pack("!ii", 8, 3)
AUTHENTICATION_OK = b"R" + struct.pack("!ii", 8, 0)
READY = b"Z" + struct.pack("!i", 5) + b"I"
JOIN_LIMIT_S = 10


@dataclass
class Cut:
    """Where to cut: at the first message with ``text``, ``before`` the server sees it or after its answer."""

    text: bytes
    before: bool


@dataclass
class Front:
    """The listening side. ``logins`` are the user and the password of each connection so far."""

    url: str
    certificate: "trustme.LeafCert"
    logins: list[tuple[str, str]] = field(default_factory=list)
    cut: Cut | None = None
    _threads: list[threading.Thread] = field(default_factory=list)
    _clients: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.num_tickets = 0
        self.certificate.configure_cert(self._tls)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def cut_before(self, text: str) -> None:
        """Cut the next connection that sends ``text``; the server never sees it."""
        self.cut = Cut(text.encode(), before=True)

    def cut_after(self, text: str) -> None:
        """Let the next ``text`` reach the server, and cut once it has answered; the client never sees the answer."""
        self.cut = Cut(text.encode(), before=False)

    def hang_up(self) -> None:
        """Cut every connection."""
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for client in self._clients:
            client.close()
        for thread in self._threads:
            thread.join(JOIN_LIMIT_S)
            assert not thread.is_alive()

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._clients.append(client.dup())
                self._start(self._serve, client, self._clients[-1])

    def _serve(self, raw: socket.socket, handle: socket.socket) -> None:
        # A client that goes away, at any point, is what many tests are about.
        with raw, contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(handle.shutdown, socket.SHUT_RDWR)
            assert _receive(raw, len(SSL_REQUEST)) == SSL_REQUEST
            raw.sendall(b"S")
            with self._tls.wrap_socket(raw, server_side=True) as client:
                self._sign_in(client)
                with psycopg.connect(self.url, autocommit=True, sslmode="disable") as upstream:
                    upstream.execute("SET default_transaction_isolation = 'repeatable read'")
                    client.sendall(AUTHENTICATION_OK + READY)
                    pid = upstream.info.backend_pid
                    with socket.socket(fileno=os.dup(upstream.fileno())) as server:
                        was_cut = self._relay(client, server)
                if was_cut:
                    self._see_off(pid)

    def _see_off(self, pid: int) -> None:
        """Wait until the server has ended a session: the client, who hears of the cut after it, meets it no more."""
        with psycopg.connect(self.url, autocommit=True) as observer:
            observer.execute("SELECT pg_terminate_backend(%s, %s)", (pid, JOIN_LIMIT_S * 1000))

    def _sign_in(self, client: ssl.SSLSocket) -> None:
        (length,) = struct.unpack("!i", _receive(client, 4))
        words = _receive(client, length - 4)[4:].split(b"\0")
        parameters = dict(zip(words[::2], words[1::2], strict=False))
        client.sendall(CLEARTEXT_PASSWORD)
        (length,) = struct.unpack("!xi", _receive(client, 5))
        password = _receive(client, length - 4).rstrip(b"\0")
        self.logins.append((parameters[b"user"].decode(), password.decode()))

    def _relay(self, client: ssl.SSLSocket, server: socket.socket) -> bool:
        """Relay until an end is gone or a cut is due; say whether it was that."""
        cut_at_answer = False
        while True:
            ready = [client] if client.pending() else select.select([client, server], [], [])[0]
            if client in ready:
                data = client.recv(65536)
                cut = self._due(data)
                if not data or (cut and cut.before):
                    return bool(data)
                cut_at_answer = cut_at_answer or cut is not None
                server.sendall(data)
            if server in ready:
                data = server.recv(65536)
                if not data or cut_at_answer:
                    return bool(data)
                client.sendall(data)

    def _due(self, data: bytes) -> Cut | None:
        """Return the cut that this message is the occasion for; it is then used up."""
        cut = self.cut
        if cut is None or cut.text not in data:
            return None
        self.cut = None
        return cut


def _receive(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = client.recv(size - len(data))
        if not more:
            raise ConnectionResetError
        data += more
    return data


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> "tuple[trustme.CA, Path]":
    """A throw-away certificate authority and the file of its certificate."""
    import trustme

    ca = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "root.pem"
    ca.cert_pem.write_to_path(str(path))
    return ca, path


@pytest.fixture
def front(database: str, authority: "tuple[trustme.CA, Path]") -> Iterator[Front]:
    """A front before the worker's database."""
    front = Front(database, authority[0].issue_cert(HOST))
    yield front
    front.close()
