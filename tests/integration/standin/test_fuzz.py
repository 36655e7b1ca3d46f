"""Conversations that nobody planned: each ends in time, and whoever speaks properly is served as before.

``DSQL_FUZZ_S=600`` goes on for ten minutes; a failure names its seed, which ``DSQL_FUZZ_SEED`` plays again.
"""

import contextlib
import os
import random
import socket
import ssl
import struct
import time
from collections.abc import Callable
from typing import Final

import psutil
import psycopg
import pytest

from tests.fix_alone import Alone

FUZZ_S: Final = float(os.environ.get("DSQL_FUZZ_S", "4"))
SEED: Final = int(os.environ.get("DSQL_FUZZ_SEED") or random.randrange(1 << 32))
END_LIMIT_S: Final = 10.0
"""How long the last answer may take after the client has said all."""
LEAST: Final = 20
"""How many conversations there are, however slow they are."""
ROOM: Final = 64 << 20
"""How many bytes of memory the stand-in may take meanwhile."""
SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)

pytestmark = pytest.mark.timeout(60 + 2 * FUZZ_S)


def message(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return kind + struct.pack("!i", len(body) + 4) + body


def startup(user: str) -> bytes:
    return message(b"", struct.pack("!i", 196608), f"user\0{user}\0database\0postgres\0\0".encode())


QUERIES: Final = (
    b"SELECT 1",
    b"BEGIN",
    b"COMMIT",
    b"INSERT INTO t VALUES (1)",
    b"SELECT * FROM t",
    b"COPY t FROM STDIN",
)
PROPER: Final = (
    *(message(b"Q", query, b"\0") for query in QUERIES),
    *(message(b"P", b"\0", query, b"\0", struct.pack("!h", 0)) for query in QUERIES),
    message(b"P", b"one\0SELECT $1::int\0", struct.pack("!hi", 1, 23)),
    message(b"B", b"\0\0", struct.pack("!hhh", 0, 0, 0)),
    message(b"B", b"\0one\0", struct.pack("!hhi", 0, 1, 1), b"7", struct.pack("!h", 0)),
    message(b"D", b"S\0"),
    message(b"D", b"P\0"),
    message(b"E", b"\0", struct.pack("!i", 0)),
    message(b"C", b"Sone\0"),
    message(b"H"),
    message(b"S"),
    message(b"d", b"1\n"),
    message(b"c"),
    message(b"f", b"no more\0"),
    message(b"F", struct.pack("!ihh", 1, 0, 0)),
    message(b"X"),
)


class Fuzzer:
    """What is said, drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def noise(self) -> bytes:
        return self._chance.randbytes(self._chance.choice([0, 1, 4, 7, 8, 60, 5_000]))

    def choice(self, *ways: Callable[[], bytes]) -> bytes:
        return self._chance.choice(ways)()

    def harmed(self, said: bytes) -> bytes:
        """Leave out, repeat or change a little of what is said properly."""
        at = self._chance.randrange(len(said) + 1)
        to = min(len(said), at + self._chance.randint(1, 8))
        part = self._chance.choice(
            [b"", said[at:to] * 2, self._chance.randbytes(to - at), struct.pack("!i", self.size())]
        )
        return said[:at] + part + said[to:]

    def size(self) -> int:
        return self._chance.choice([-1, 0, 3, 4, 5, 1 << 16, 1 << 24, (1 << 31) - 1])

    def session(self) -> bytes:
        said = b"".join(self._chance.choices(PROPER, k=self._chance.randint(1, 12)))
        return self.choice(lambda: said, lambda: self.harmed(said), lambda: said + self.noise())


class Endpoint:
    """The ways to an endpoint, and how deep a conversation goes before it becomes strange."""

    def __init__(self, alone: Alone) -> None:
        self._alone, self._token = alone, alone.token()
        self._context = ssl.create_default_context(cafile=alone.environment["PGSSLROOTCERT"])
        self._place = alone.environment["PGHOSTADDR"], int(alone.environment["PGPORT"])

    def converse(self, fuzzer: Fuzzer) -> None:
        """Say something strange, at some depth; return when the endpoint has closed the connection."""
        with socket.create_connection(self._place, END_LIMIT_S) as plain, contextlib.suppress(ConnectionError):
            depth = fuzzer.choice(lambda: b"plain", lambda: b"tls", lambda: b"startup", lambda: b"session")
            if depth == b"plain":
                return _ended(plain, fuzzer.choice(fuzzer.noise, lambda: fuzzer.harmed(SSL_REQUEST)))
            plain.sendall(SSL_REQUEST)
            assert plain.recv(1) == b"S"
            if depth == b"tls":
                return _ended(plain, fuzzer.noise())
            with self._context.wrap_socket(plain, server_hostname=self._alone.host) as secure:
                self._greet(secure, fuzzer, strange=depth == b"startup")
        return None

    def _greet(self, secure: ssl.SSLSocket, fuzzer: Fuzzer, *, strange: bool) -> None:
        password = message(b"p", self._token.encode(), b"\0")
        if strange:
            greeting = startup("admin")
            return _ended(secure, fuzzer.choice(fuzzer.noise, lambda: fuzzer.harmed(greeting + password)))
        secure.sendall(startup("admin") + password)
        return _ended(secure, fuzzer.session())


def _ended(line: socket.socket, said: bytes) -> None:
    """Say the last, and hear all that comes of it until the endpoint hangs up; raise TimeoutError where it does not."""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        line.sendall(said)
        with contextlib.suppress(OSError):  # there is nobody any more to be told
            line.shutdown(socket.SHUT_WR)
        while line.recv(65_536):
            pass


def sessions(alone: Alone) -> int:
    """How many sessions of clients there are, after those that end have had time to."""
    until = time.monotonic() + END_LIMIT_S
    with psycopg.connect(alone.handle.describe()["postgres"], autocommit=True) as server:
        while True:
            [(count,)] = server.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'admin'").fetchall()
            if count <= 1 or time.monotonic() > until:
                return int(count)


def test_every_conversation_ends_and_others_are_served(alone: Callable[..., Alone]) -> None:
    one = alone()
    proper, strange = one.connect(), Endpoint(one)
    proper.execute("CREATE TABLE t (id int)")
    process, until, number = psutil.Process(one.process.pid), time.monotonic() + FUZZ_S, 0
    before = process.memory_info().rss
    while time.monotonic() < until or number < LEAST:
        try:
            strange.converse(Fuzzer(SEED + number))
        except Exception as error:
            error.add_note(f"DSQL_FUZZ_SEED={SEED + number}")
            raise
        number += 1
    assert proper.execute("SELECT 1").fetchone() == (1,)
    assert sessions(one) == 1
    assert process.memory_info().rss - before < ROOM
