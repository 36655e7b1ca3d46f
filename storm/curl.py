"""boto3's requests sent by libcurl: urllib3 takes as much time for one as all the rest of boto3's work for it."""

import io
import os
import threading
from collections.abc import Iterator
from typing import Any, Final

import pycurl
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import DEFAULT_CA_BUNDLE

_KINDS: Final = {
    pycurl.E_COULDNT_CONNECT: EndpointConnectionError,
    pycurl.E_COULDNT_RESOLVE_HOST: EndpointConnectionError,
    pycurl.E_OPERATION_TIMEDOUT: ReadTimeoutError,
    pycurl.E_PEER_FAILED_VERIFICATION: SSLError,
    pycurl.E_GOT_NOTHING: ConnectionClosedError,
    pycurl.E_PARTIAL_FILE: ConnectionClosedError,
    pycurl.E_RECV_ERROR: ConnectionClosedError,
    pycurl.E_SEND_ERROR: ConnectionClosedError,
    pycurl.E_SEND_FAIL_REWIND: ConnectionClosedError,
}
_NO_HEADERS: Final = ["Accept:", "Content-Type:", "Expect:"]
"""What libcurl would add of its own."""


def speed_up(client: Any) -> None:
    """Have libcurl send a boto3 client's requests, each thread by a connection of its own that ends with the thread."""
    config = client.meta.config
    curl = Curl(config.connect_timeout, config.read_timeout)
    client.meta.events.register("before-send", curl.send, unique_id="libcurl")


class Curl:
    """Sends requests, each at most once. Timeouts are in seconds, ``read_timeout`` for all of a request."""

    def __init__(self, connect_timeout: float, read_timeout: float) -> None:
        self._connect_timeout, self._read_timeout = connect_timeout, read_timeout
        self._threads = threading.local()

    def send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Send a request and return the answer; raise botocore's exceptions, as urllib3 would have it do."""
        handle, head, body = self._handle(), list[bytes](), _Body()
        content = request.body or b""
        if isinstance(content, str):
            content = content.encode()
        handle.setopt(pycurl.URL, request.url)
        handle.setopt(pycurl.CUSTOMREQUEST, request.method)
        handle.setopt(pycurl.HTTPHEADER, [*map(_line, request.headers.items()), *_NO_HEADERS])
        # Given as POSTFIELDS, libcurl would send it again, by itself, where a kept connection ends without an answer;
        # what is read by a function can be read but once.
        handle.setopt(pycurl.POSTFIELDSIZE, len(content))
        handle.setopt(pycurl.READFUNCTION, io.BytesIO(content).read)
        handle.setopt(pycurl.HEADERFUNCTION, head.append)
        handle.setopt(pycurl.WRITEFUNCTION, body.write)
        try:
            handle.perform()
        except pycurl.error as error:
            raise self._told(handle, request.url, *error.args) from None
        body.seek(0)
        return AWSResponse(request.url, handle.getinfo(pycurl.RESPONSE_CODE), _headers(head), body)

    def _handle(self) -> pycurl.Curl:
        handle: pycurl.Curl | None = getattr(self._threads, "handle", None)
        if handle is None:
            handle = self._threads.handle = pycurl.Curl()
            handle.setopt(pycurl.NOSIGNAL, 1)
            handle.setopt(pycurl.POST, 1)
            handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
            handle.setopt(pycurl.CAINFO, os.environ.get("AWS_CA_BUNDLE") or DEFAULT_CA_BUNDLE)
            handle.setopt(pycurl.CONNECTTIMEOUT_MS, round(1000 * self._connect_timeout))
            handle.setopt(pycurl.TIMEOUT_MS, round(1000 * self._read_timeout))
        return handle

    def _told(self, handle: pycurl.Curl, url: str, code: int, text: str) -> Exception:
        told: Exception
        error = OSError(text)
        if code == pycurl.E_OPERATION_TIMEDOUT and handle.getinfo(pycurl.PRETRANSFER_TIME) == 0:
            told = ConnectTimeoutError(endpoint_url=url, error=error)
        elif code in _KINDS:
            told = _KINDS[code](endpoint_url=url, error=error, request=None)
        else:
            told = HTTPClientError(error=error)
        return told


class _Body(io.BytesIO):
    """An answer's body, with what botocore asks of urllib3's."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def _line(header: tuple[str, str | bytes]) -> str:
    name, value = header
    return f"{name}: {value.decode() if isinstance(value, bytes) else value}"


def _headers(head: list[bytes]) -> HTTPHeaders:
    """Return the headers of the last answer; there may be interim ones before it."""
    headers = HTTPHeaders()
    for line in head:
        name, colon, value = line.decode("latin-1").partition(":")
        if line.startswith(b"HTTP/"):
            headers = HTTPHeaders()
        elif colon:
            headers[name] = value.strip()
    return headers
