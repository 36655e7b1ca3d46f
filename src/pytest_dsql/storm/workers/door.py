"""How a worker on another machine meets the conductor: over TCP, when each has shown that it knows the run's secret.

The secret itself is never sent: each end answers the other's random challenge with an HMAC of it. What is said
afterwards is not encrypted; where others can listen, let it go through a tunnel, as ssh has one.
"""

import contextlib
import hmac
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

HERE: Final = "127.0.0.1"
_SIZE: Final = 32
_LIMIT_S: Final = 10.0
_KEEPALIVE: Final = (("TCP_KEEPIDLE", 10), ("TCP_KEEPALIVE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
"""A machine that is gone, its connections with it, is noticed within half a minute (tcp(7))."""


class Stranger(Exception):
    """The other end does not know the run's secret."""

    def __init__(self) -> None:
        super().__init__("the other end does not know this run's secret")


@dataclass(frozen=True, slots=True)
class Door:
    """Where the conductor listens, and the secret of its run."""

    host: str
    port: int
    secret: str = field(repr=False)

    def enter(self) -> socket.socket:
        """Connect; raise Stranger where somebody else listens there, OSError where nobody does."""
        connection = socket.create_connection((self.host, self.port), _LIMIT_S)
        try:
            theirs, ours = _received(connection), secrets.token_bytes(_SIZE)
            connection.sendall(ours + _proof(self.secret, b"worker", theirs, ours))
            _prove_equal(_received(connection), _proof(self.secret, b"conductor", ours, theirs))
        except (Stranger, OSError):
            connection.close()
            raise
        return _kept(connection)


def opened(host: str, port: int = 0) -> tuple[socket.socket, Door]:
    """Listen on an address of this machine; return the socket, and how it is found."""
    listening = socket.create_server((host, port), backlog=128)
    return listening, Door(host, listening.getsockname()[1], secrets.token_urlsafe(_SIZE))


def guarded(door: Door, meet: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Return what meets those alone who know the secret; whoever does not is hung up on."""

    def let_in(connection: socket.socket) -> None:
        try:
            connection.settimeout(_LIMIT_S)
            ours = secrets.token_bytes(_SIZE)
            connection.sendall(ours)
            theirs, proof = _received(connection), _received(connection)
            _prove_equal(proof, _proof(door.secret, b"worker", ours, theirs))
            connection.sendall(_proof(door.secret, b"conductor", theirs, ours))
        except (Stranger, OSError):
            with contextlib.suppress(OSError):
                connection.close()
            return
        meet(_kept(connection))

    return let_in


def _proof(secret: str, end: bytes, asked: bytes, own: bytes) -> bytes:
    return hmac.digest(secret.encode(), end + asked + own, "sha256")


def _prove_equal(proof: bytes, expected: bytes) -> None:
    if not hmac.compare_digest(proof, expected):
        raise Stranger


def _received(connection: socket.socket) -> bytes:
    """Return the next bytes of a challenge or a proof, fewer where the other end hangs up."""
    received = b""
    while len(received) < _SIZE and (more := connection.recv(_SIZE - len(received))):
        received += more
    return received


def _kept(connection: socket.socket) -> socket.socket:
    """Have a connection end where the other machine is gone, and small messages leave at once."""
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return connection
