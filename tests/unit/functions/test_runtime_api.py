"""The Runtime API's wire, without a client: requests in pieces, and what no client would send."""

import asyncio
from typing import Any

import pytest

from pytest_dsql.local.functions.environments.runtime_api import Connection
from pytest_dsql.local.functions.invoke.facts import RESPONSE_PAYLOAD

POST = b"POST /2018-06-01/runtime/invocation/abc/%s HTTP/1.1\r\nHost: x\r\ncontent-length: %d\r\n\r\n"


class Recorder(asyncio.Transport):
    """Both sides of a connection: what was asked for, and what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Any, ...]] = []
        self.written = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    def polled(self, connection: Connection) -> None:
        self.asked.append(("polled", type(connection)))

    def lost(self, connection: Connection) -> None:
        self.asked.append(("lost", type(connection)))

    def responded(self, request_id: str, payload: bytes) -> int:
        self.asked.append(("responded", request_id, payload))
        return 202

    def failed(self, request_id: str, payload: bytes) -> int:
        self.asked.append(("failed", request_id, payload))
        return 202

    def overflowed(self, request_id: str) -> int:
        self.asked.append(("overflowed", request_id))
        return 413

    def init_failed(self, payload: bytes) -> int:
        self.asked.append(("init_failed", payload))
        return 202


def receive(*pieces: bytes) -> Recorder:
    recorder = Recorder()
    connection = Connection(recorder)
    connection.connection_made(recorder)
    for piece in pieces:
        connection.data_received(piece)
    return recorder


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_request_may_come_in_pieces(size: int) -> None:
    request = POST % (b"response", 4) + b"null"
    recorder = receive(*(request[start : start + size] for start in range(0, len(request), size)))
    assert recorder.asked == [("responded", "abc", b"null")]
    assert recorder.written.startswith(b"HTTP/1.1 202 Accepted\r\n")


def test_requests_come_one_after_the_other() -> None:
    get = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n"
    recorder = receive(get, POST % (b"error", 2), b"{}", get)
    assert recorder.asked == [("polled", Connection), ("failed", "abc", b"{}"), ("polled", Connection)]


def test_a_response_that_is_too_large_is_not_kept() -> None:
    recorder = receive(POST % (b"response", RESPONSE_PAYLOAD + 1), *[b"x" * 65536] * 97)
    assert recorder.asked == [("overflowed", "abc")]
    assert recorder.written.startswith(b"HTTP/1.1 413 Payload Too Large\r\n")


@pytest.mark.parametrize("request_", [b"PUT / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"POST /x HTTP/1.1\r\n\r\n"])
def test_what_no_client_sends_ends_the_connection(request_: bytes) -> None:
    recorder = receive(request_)
    assert recorder.written.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert recorder.closed


def test_an_unknown_path_is_not_found() -> None:
    assert receive(b"GET /other HTTP/1.1\r\n\r\n").written.startswith(b"HTTP/1.1 404 Not Found\r\n")
