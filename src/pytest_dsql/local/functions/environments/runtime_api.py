"""The Lambda Runtime API, 2018-06-01: one connection of a runtime client, and what it asks.

The only client is AWS's own (libcurl for invocations, http.client for a failed init), one per port; a general server
would cost 0.15 ms of the 0.2 that an invocation may cost here.
"""

import asyncio
import re
from typing import Final, Protocol, cast

from pytest_dsql.local.functions.invoke import facts

ROOT: Final = b"/2018-06-01/runtime/"
NEXT: Final = ROOT + b"invocation/next"
INIT_ERROR: Final = ROOT + b"init/error"
OF_INVOCATION: Final = re.compile(re.escape(ROOT) + rb"invocation/([\w-]+)/(response|error)")
REQUEST_LINE: Final = re.compile(rb"(GET|POST) (\S+) HTTP/1\.[01]\r\n")
LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+) *\r\n", re.IGNORECASE)
HEAD_LIMIT: Final = 2 * 2**20
"""The client puts up to 1 MB of an error's cause into a header."""
REASONS: Final = {200: "OK", 202: "Accepted", 400: "Bad Request", 404: "Not Found", 413: "Payload Too Large"}


class Runtime(Protocol):
    """What a connection serves. The methods that return a number return the HTTP status of the answer."""

    def polled(self, connection: "Connection") -> None:
        """The client asks for the next invocation, and waits."""

    def lost(self, connection: "Connection") -> None:
        """The connection has ended."""

    def responded(self, request_id: str, payload: bytes) -> int:
        """The function answered."""
        ...

    def failed(self, request_id: str, payload: bytes) -> int:
        """The function raised; the payload is the client's account of it, JSON."""
        ...

    def overflowed(self, request_id: str) -> int:
        """The function answered with more than may be."""
        ...

    def init_failed(self, payload: bytes) -> int:
        """The function could not be started."""
        ...


class Connection(asyncio.Protocol):
    """One connection of the client; requests come one after the other."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._received = bytearray()
        self._target: bytes | None = None
        self._length = self._skipped = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve."""
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the interface
        """Hear that the client is gone."""
        self._runtime.lost(self)

    def data_received(self, data: bytes) -> None:
        """Take a request as far as it has come."""
        self._received += data
        if self._target is None and not self._read_head():
            return
        self._skip()
        if len(self._received) + self._skipped >= self._length:
            self._dispatch()

    def _read_head(self) -> bool:
        """Read the head of a request; False where there is none yet, or nothing that the client would send."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            if len(self._received) > HEAD_LIMIT:
                self._refuse()
            return False
        head = bytes(self._received[: end + 2])
        line, length = REQUEST_LINE.match(head), LENGTH.search(head)
        if not line or (line[1] == b"POST" and not length):
            self._refuse()
            return False
        del self._received[: end + 4]
        self._target = line[2]
        self._length, self._skipped = int(length[1]) if length else 0, 0
        return True

    def _skip(self) -> None:
        """Throw away as it comes what is too large to be kept."""
        if self._length > facts.RESPONSE_PAYLOAD:
            self._skipped += len(self._received)
            self._received.clear()

    def _dispatch(self) -> None:
        target, self._target = self._target, None
        payload = bytes(self._received[: self._length])
        del self._received[: self._length]
        if target == NEXT:
            self._runtime.polled(self)
            return
        if target == INIT_ERROR:
            self.answer(self._runtime.init_failed(payload))
            return
        matched = OF_INVOCATION.fullmatch(target or b"")
        self.answer(self._about(matched[1].decode(), matched[2], payload) if matched else 404)

    def _about(self, request_id: str, what: bytes, payload: bytes) -> int:
        if self._skipped:
            return self._runtime.overflowed(request_id)
        if what == b"response":
            return self._runtime.responded(request_id, payload)
        return self._runtime.failed(request_id, payload)

    def answer(self, status: int) -> None:
        """Answer what is not an invocation."""
        body = b'{"status":"OK"}' if status < 300 else b'{"errorMessage":"","errorType":"InvalidRequest"}'
        self._write(f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: application/json\r\n", body)

    def deliver(self, headers: str, payload: bytes) -> None:
        """Give the client an invocation. ``headers`` are lines, each with its end."""
        self._write(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}", payload)

    def _write(self, head: str, body: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def _refuse(self) -> None:
        self.answer(400)
        self.close()

    def close(self) -> None:
        """End the connection."""
        if self._transport:
            self._transport.abort()
