"""The server of HTTP: what a client may send, however it is cut, and what it hears."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self

import pytest
import uvloop

from pytest_dsql.local.http import Request, Response, Server

LIMIT_S = 10

Talk = Callable[["Client"], Awaitable[None]]


class Client:
    """A client that says what a test wants it to."""

    def __init__(self, port: int, server: Server) -> None:
        self.port, self.server = port, server

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def say(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def hear(self, *, head: bool = False) -> tuple[str, bytes]:
        """Return the first line and the body of an answer."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        size = 0 if head else int(headers.get("Content-Length", 0))
        return lines[0], await self.reader.readexactly(size)

    async def ended(self) -> bool:
        return await self.reader.read() == b""


async def echo(request: Request) -> Response:
    body = f"{request.method} {request.target} {request.headers.get('x-it', '')} ".encode() + request.body
    return Response(200, body)


def talk(work: Talk, handle: Callable[[Request], Awaitable[Response]] = echo) -> list[dict[str, Any]]:
    """Run a conversation with a server; return what its loop was told of failures."""
    failures: list[dict[str, Any]] = []

    async def both() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
        server = Server(handle)
        port = await server.listen("127.0.0.1", 0)
        await server.serve()
        async with asyncio.timeout(LIMIT_S), Client(port, server) as client:
            await work(client)
        await server.close()

    uvloop.run(both())
    return failures


def test_requests_of_one_connection_are_answered_in_order() -> None:
    async def work(client: Client) -> None:
        await client.say(b"GET /1?a=%20 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.hear() == ("HTTP/1.1 200 OK", b"GET /1?a=%20  ")
        assert await client.hear() == ("HTTP/1.1 200 OK", b"GET /2  ")
        await client.say(b"GET /3 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.hear() == ("HTTP/1.1 200 OK", b"GET /3  ")

    assert talk(work) == []


def test_a_request_may_come_byte_by_byte() -> None:
    async def work(client: Client) -> None:
        request = b"POST /it HTTP/1.1\r\nX-It: one\r\nContent-Length: 5\r\n\r\nhello"
        await client.say(*(bytes([byte]) for byte in request))
        assert await client.hear() == ("HTTP/1.1 200 OK", b"POST /it one hello")

    assert talk(work) == []


def test_a_body_may_come_in_chunks() -> None:
    async def work(client: Client) -> None:
        await client.say(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert await client.hear() == ("HTTP/1.1 200 OK", b"PUT /  abcde")

    assert talk(work) == []


def test_values_of_a_header_that_comes_twice_are_joined() -> None:
    async def work(client: Client) -> None:
        await client.say(b"GET / HTTP/1.1\r\nX-It: one\r\nx-it: two\r\n\r\n")
        assert await client.hear() == ("HTTP/1.1 200 OK", b"GET / one,two ")

    assert talk(work) == []


def test_who_waits_to_send_a_body_is_told_to_go_on() -> None:
    async def work(client: Client) -> None:
        await client.say(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
        assert await client.hear() == ("HTTP/1.1 100 Continue", b"")
        await client.say(b"x")
        assert await client.hear() == ("HTTP/1.1 200 OK", b"POST /  x")

    assert talk(work) == []


def test_who_asks_for_the_head_gets_no_body() -> None:
    async def work(client: Client) -> None:
        await client.say(b"HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        assert await client.hear(head=True) == ("HTTP/1.1 200 OK", b"")
        assert await client.hear() == ("HTTP/1.1 200 OK", b"GET /  ")

    assert talk(work) == []


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    ],
)
def test_the_last_request_of_a_connection_ends_it(request_: bytes) -> None:
    async def work(client: Client) -> None:
        await client.say(request_)
        assert await client.hear() == ("HTTP/1.1 200 OK", b"GET /  ")
        assert await client.ended()

    assert talk(work) == []


def test_what_is_no_request_is_refused() -> None:
    async def work(client: Client) -> None:
        await client.say(b"what?\r\n\r\n")
        assert await client.hear() == ("HTTP/1.1 400 Bad Request", b"")
        assert await client.ended()

    assert talk(work) == []


def test_a_failure_is_answered_and_told() -> None:
    async def fail(_: Request) -> Response:
        raise ValueError("of no use")

    async def work(client: Client) -> None:
        await client.say(b"GET / HTTP/1.1\r\n\r\n")
        assert await client.hear() == ("HTTP/1.1 500 Internal Server Error", b"")

    [failure] = talk(work, fail)
    assert str(failure["exception"]) == "of no use"


def test_a_client_that_does_not_wait_is_nobodys_trouble() -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def slow(_: Request) -> Response:
        asked.set()
        await gone.wait()
        return Response()

    async def work(client: Client) -> None:
        await client.say(b"GET / HTTP/1.1\r\n\r\n")
        await asked.wait()
        client.writer.transport.abort()
        while client.server.connections:
            await asyncio.sleep(0)
        [answering] = asyncio.all_tasks() - {asyncio.current_task()}
        gone.set()
        await answering

    assert talk(work, slow) == []


def test_what_is_being_answered_ends_before_the_server_does() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: Request) -> Response:
        asked.set()
        await go_on.wait()
        return Response(204)

    async def work(client: Client) -> None:
        await client.say(b"GET / HTTP/1.1\r\n\r\n")
        await asked.wait()
        closing = asyncio.create_task(client.server.close())
        await asyncio.sleep(0)
        go_on.set()
        await closing
        assert await client.hear() == ("HTTP/1.1 204 No Content", b"")
        assert await client.ended()

    assert talk(work, slow) == []
