"""A server of HTTP/1.1 that takes whole requests and gives whole answers.

A general server spends twice as long on a small request as this one, most of it on streams that nobody here needs.
"""

import asyncio
import functools
import http
import socket
import struct
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Final, cast

import httptools

BACKLOG: Final = 65_535
"""How many callers may wait to be accepted, as far as the system lets them: a storm's come 10,000 at once."""
CLOSE_LIMIT_S: Final = 1.0
"""How long requests that are being answered may take when the server ends."""
_WITHOUT_BODY: Final = frozenset({204, 304})
_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: nothing is sent any more (socket(7))."""
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(slots=True)
class Request:
    """A request. ``target`` is as it came, the names of ``headers`` are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; its length and its date are added."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self, *, head: bool, last: bool) -> bytes:
        """Return the bytes to send, without the body where only the ``head`` was asked for."""
        lines = [f"HTTP/1.1 {self.status} {_reason(self.status)}\r\nDate: {_date(int(time.time()))}\r\n"]
        lines += [f"{name}: {value}\r\n" for name, value in self.headers.items()]
        if self.status not in _WITHOUT_BODY:
            lines.append(f"Content-Length: {len(self.body)}\r\n")
        if last:
            lines.append("Connection: close\r\n")
        return "".join([*lines, "\r\n"]).encode("latin-1") + (b"" if head else self.body)


class HangUp(Exception):
    """There is to be no answer: the connection is reset."""


Handle = Callable[[Request], Awaitable[Response]]


@functools.cache
def _reason(status: int) -> str:
    return http.HTTPStatus(status).phrase


@functools.lru_cache(1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


class Server:
    """A listening socket and its connections, on one event loop."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._connections: set[_Connection] = set()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def listen(self, host: str, port: int) -> int:
        """Listen, but accept nothing yet; return the port. Raises OSError where it cannot be had."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: _Connection(self._handle, self._connections), host, port, backlog=BACKLOG, start_serving=False
        )
        return int(self._listener.sockets[0].getsockname()[1])

    async def serve(self) -> None:
        """Accept connections."""
        await self._listener.start_serving()

    async def close(self) -> None:
        """Stop listening, let what is being answered end for a moment, end every connection."""
        self._listener.close()
        running = [each.answering for each in self._connections if each.answering]
        if running:
            await asyncio.wait(running, timeout=CLOSE_LIMIT_S)
        for each in list(self._connections):
            each.close()


class _Connection(asyncio.Protocol):
    """One connection: its requests are answered one after the other. httptools calls the methods named ``on_…``."""

    def __init__(self, handle: Handle, connections: "set[_Connection]") -> None:
        self._handle, self._connections = handle, connections
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self.answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the interface
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # nothing is upgraded; the request is answered, as the last one
        except httptools.HttpParserError:
            self._send(Response(400).encoded(head=False, last=True), last=True)

    def on_message_begin(self) -> None:
        self._target, self._headers, self._body = b"", dict[str, str](), list[bytes]()

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]},{text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(_CONTINUE)

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        method, target = self._parser.get_method().decode("latin-1"), self._target.decode("latin-1")
        last = not self._parser.should_keep_alive() or self._parser.should_upgrade()
        self._waiting.append((Request(method, target, self._headers, b"".join(self._body)), last))
        if self.answering is None:
            self.answering = asyncio.get_running_loop().create_task(self._answer())

    async def _answer(self) -> None:
        """Answer what has come."""
        while self._waiting and not self._transport.is_closing():
            request, last = self._waiting.popleft()
            try:
                response = await self._handle(request)
            except HangUp:
                self._reset()
                break
            except Exception as error:  # noqa: BLE001 - the caller is answered whatever happens
                loop = asyncio.get_running_loop()
                loop.call_exception_handler({"message": "a request could not be answered", "exception": error})
                response = Response(500)
            self._send(response.encoded(head=request.method == "HEAD", last=last), last=last)
        self.answering = None

    def _send(self, data: bytes, *, last: bool) -> None:
        # To a client that is gone uvloop does not write in silence, as asyncio does.
        if not self._transport.is_closing():
            self._transport.write(data)
        if last:
            self._transport.close()

    def _reset(self) -> None:
        """End the connection as a network does that fails: what is on its way is dropped, and no end is announced."""
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._transport.abort()

    def close(self) -> None:
        """End the connection."""
        self._transport.abort()
