"""Invoke requests by libcurl: hundreds in flight from one thread, signed by libcurl, each sent at most once.

boto3 builds, signs and parses each request anew, in Python; that took most of a storm's own CPU time.
"""

import contextlib
import hashlib
import io
import os
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self
from urllib.parse import quote

import pycurl

from pytest_dsql.link.keys import SigningKeys

_KINDS: Final = {
    pycurl.E_COULDNT_CONNECT: "EndpointConnectionError",
    pycurl.E_COULDNT_RESOLVE_HOST: "EndpointConnectionError",
    pycurl.E_OPERATION_TIMEDOUT: "ReadTimeoutError",
    pycurl.E_PEER_FAILED_VERIFICATION: "SSLError",
    pycurl.E_GOT_NOTHING: "ConnectionClosedError",
    pycurl.E_PARTIAL_FILE: "ConnectionClosedError",
    pycurl.E_RECV_ERROR: "ConnectionClosedError",
    pycurl.E_SEND_ERROR: "ConnectionClosedError",
    pycurl.E_SEND_FAIL_REWIND: "ConnectionClosedError",
}
"""libcurl's errors by the names of botocore's exceptions for the same."""
_NO_HEADERS: Final = ("Accept:", "Content-Type:", "Expect:")
"""What libcurl would add of its own."""
AGENT: Final = "dsql-perspective-storm"
CONNECT_LIMIT_S: Final = 10
READ_LIMIT_S: Final = 60
_EVENTS: Final = {
    pycurl.POLL_IN: selectors.EVENT_READ,
    pycurl.POLL_OUT: selectors.EVENT_WRITE,
    pycurl.POLL_INOUT: selectors.EVENT_READ | selectors.EVENT_WRITE,
}
_READY: Final = {
    selectors.EVENT_READ: pycurl.CSELECT_IN,
    selectors.EVENT_WRITE: pycurl.CSELECT_OUT,
    selectors.EVENT_READ | selectors.EVENT_WRITE: pycurl.CSELECT_IN | pycurl.CSELECT_OUT,
}


@dataclass(frozen=True, slots=True)
class Way:
    """How a function is reached. ``credentials`` are asked for again and again, as AWS's expire; limits are in s."""

    endpoint: str
    function: str
    region: str
    credentials: Callable[[], SigningKeys]
    connect_limit_s: float = CONNECT_LIMIT_S
    read_limit_s: float = READ_LIMIT_S

    @property
    def url(self) -> str:
        """Where Invoke is asked for (Lambda API of 2015-03-31)."""
        return f"{self.endpoint.rstrip('/')}/2015-03-31/functions/{quote(self.function, safe='')}/invocations"


def _authorities() -> str:
    """Return the file of the certificate authorities that boto3 trusts."""
    from botocore.httpsession import DEFAULT_CA_BUNDLE

    return str(DEFAULT_CA_BUNDLE)


class HttpReply(NamedTuple):
    """What came back: a response, or the name and text of the client's own error."""

    status: int
    head: bytes
    body: bytes
    error: str = ""
    text: str = ""

    def header(self, name: str) -> str | None:
        """Return a header of the response; there may be interim responses before it."""
        last = self.head.rstrip(b"\r\n").rpartition(b"\r\n\r\n")[2]
        for line in last.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.lower().encode():
                return value.strip().decode("latin-1")
        return None


class _Slot:
    """One request after the other, with a handle of libcurl that is kept."""

    def __init__(self, way: Way) -> None:
        self.token: Any = None
        self.head, self.body, self._content = io.BytesIO(), io.BytesIO(), b""
        self.handle = handle = pycurl.Curl()
        handle.slot = self
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.URL, way.url)
        handle.setopt(pycurl.POST, 1)
        handle.setopt(pycurl.USERAGENT, AGENT)
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        handle.setopt(pycurl.AWS_SIGV4, f"aws:amz:{way.region}:lambda")
        if way.endpoint.startswith("https:"):
            handle.setopt(pycurl.CAINFO, os.environ.get("AWS_CA_BUNDLE") or _authorities())
        handle.setopt(pycurl.CONNECTTIMEOUT_MS, round(1000 * way.connect_limit_s))
        handle.setopt(pycurl.TIMEOUT_MS, round(1000 * way.read_limit_s))
        # Given as POSTFIELDS, libcurl would send it again, by itself, where a kept connection ends without an answer;
        # what is read by a function can be read but once.
        handle.setopt(pycurl.READFUNCTION, self._read)

    def fill(self, token: Any, content: bytes, credentials: SigningKeys) -> None:
        """Make a request of it."""
        self.token, self._content = token, content
        self.head, self.body = io.BytesIO(), io.BytesIO()
        headers = [*_NO_HEADERS, f"X-Amz-Content-Sha256: {hashlib.sha256(content).hexdigest()}"]
        if credentials.token:
            headers.append(f"X-Amz-Security-Token: {credentials.token}")
        handle = self.handle
        handle.setopt(pycurl.USERPWD, f"{credentials.access_key}:{credentials.secret_key}")
        handle.setopt(pycurl.HTTPHEADER, headers)
        handle.setopt(pycurl.POSTFIELDSIZE, len(content))
        handle.setopt(pycurl.WRITEHEADER, self.head)
        handle.setopt(pycurl.WRITEDATA, self.body)

    def _read(self, size: int) -> bytes:
        content, self._content = self._content[:size], self._content[size:]
        return content

    def reply(self) -> HttpReply:
        """Return the response that is there."""
        return HttpReply(self.handle.getinfo(pycurl.RESPONSE_CODE), self.head.getvalue(), self.body.getvalue())

    def failure(self, code: int, text: str) -> HttpReply:
        """Return libcurl's error by the name that botocore has for it."""
        name = _KINDS.get(code, "HTTPClientError")
        if code == pycurl.E_OPERATION_TIMEDOUT and self.handle.getinfo(pycurl.PRETRANSFER_TIME) == 0:
            name = "ConnectTimeoutError"
        return HttpReply(0, b"", b"", name, text)


class Invocations:
    """Requests in flight, by one thread alone but for ``wake``. Leaving the context ends them all."""

    def __init__(self, way: Way, parallel: int) -> None:
        """``parallel`` is how many will be in flight at most."""
        self._way, self._free, self._flying = way, list[_Slot](), set[_Slot]()
        self._timer: float | None = None
        self._selector = selectors.DefaultSelector()
        self._awake, self._waker = socket.socketpair()
        for end in (self._awake, self._waker):
            end.settimeout(0)
        self._selector.register(self._awake, selectors.EVENT_READ)
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, parallel)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)

    def send(self, token: Any, content: bytes) -> None:
        """Send a request; its answer comes with the token."""
        slot = self._free.pop() if self._free else _Slot(self._way)
        slot.fill(token, content, self._way.credentials())
        self._flying.add(slot)
        self._multi.add_handle(slot.handle)

    def wait(self, limit_s: float) -> list[tuple[Any, HttpReply]]:
        """Go on with what is in flight until something was answered, ``wake`` was called or the limit is over."""
        until = time.monotonic() + limit_s
        while True:
            woken = self._step(until)
            answered = self._answered()
            if answered or woken or time.monotonic() >= until:
                return answered

    def wake(self) -> None:
        """Have ``wait`` return; to be called from any thread."""
        with contextlib.suppress(BlockingIOError):
            self._waker.send(b"!")

    def _step(self, until: float) -> bool:
        now = time.monotonic()
        woken = False
        for key, ready in self._selector.select(max(0.0, min(until, self._timer or until) - now)):
            if key.fileobj is self._awake:
                woken = bool(self._awake.recv(4096))
            else:
                self._multi.socket_action(key.fd, _READY[ready])
        if self._timer is not None and self._timer <= time.monotonic():
            self._timer = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        return woken

    def _answered(self) -> list[tuple[Any, HttpReply]]:
        answered: list[tuple[Any, HttpReply]] = []
        more = 1
        while more:
            more, done, failed = self._multi.info_read()
            for handle in done:
                answered.append((handle.slot.token, handle.slot.reply()))
                self._release(handle.slot)
            for handle, code, text in failed:
                answered.append((handle.slot.token, handle.slot.failure(code, text)))
                self._release(handle.slot)
        return answered

    def _release(self, slot: _Slot) -> None:
        self._multi.remove_handle(slot.handle)
        self._flying.discard(slot)
        self._free.append(slot)

    def _watch(self, what: int, fd: int, _multi: object, _data: object) -> None:
        known = fd in self._selector.get_map()
        if what == pycurl.POLL_REMOVE:
            if known:
                self._selector.unregister(fd)
        elif known:
            self._selector.modify(fd, _EVENTS[what])
        else:
            self._selector.register(fd, _EVENTS[what])

    def _set_timer(self, milliseconds: int) -> None:
        self._timer = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000

    def close(self) -> None:
        """End what is in flight and close all connections."""
        for slot in self._flying:
            self._multi.remove_handle(slot.handle)
        self._multi.close()
        for slot in [*self._flying, *self._free]:
            slot.handle.close()
            del slot.handle.slot
        self._flying.clear()
        self._free.clear()
        self._selector.close()
        self._awake.close()
        self._waker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
