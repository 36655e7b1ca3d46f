"""Clients that go away at the worst moment: the proxy lets go of them without a word."""

import asyncio
import socket
from typing import Any
from unittest import mock

import uvloop

from pytest_dsql.local.proxy import client, wire
from pytest_dsql.local.proxy.upstream import Upstream


def test_bytes_in_the_moment_of_a_cancellation() -> None:
    async def hang_up() -> list[Any]:
        complaints: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            greeting = asyncio.ensure_future(client.tls_wanted(ours))
            await asyncio.sleep(0)
            theirs.send(b"\0")
            greeting.cancel()
            await asyncio.wait([greeting])
        return complaints

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(hang_up()) == []


def test_what_the_server_says_after_its_client_has_gone_is_nobodys() -> None:
    async def hang_up() -> None:
        received = mock.Mock()
        upstream = Upstream(mock.Mock(), received)
        upstream.connection_made(mock.Mock())
        upstream.started.cancel()
        upstream.data_received(b"Z\0\0\0\5I")
        upstream.connection_lost(None)
        received.assert_not_called()

    asyncio.run(hang_up())


def test_a_server_that_ends_right_after_its_greeting_ends_the_client() -> None:
    async def greet() -> None:
        talker = mock.Mock()
        upstream = Upstream(talker, mock.Mock())
        upstream.connection_made(mock.Mock())
        upstream.data_received(b"Z\0\0\0\5I" + wire.message(b"E", b"SFATAL\0C57P01\0\0"))
        assert upstream.started.done()
        upstream.connection_lost(None)
        talker.close.assert_called_once()

    asyncio.run(greet())


def test_what_is_late_for_a_session_that_has_ended_goes_nowhere() -> None:
    async def send() -> None:
        upstream, transport = Upstream(mock.Mock(), mock.Mock()), mock.Mock()
        upstream.connection_made(transport)
        transport.is_closing.return_value = True
        upstream.send(b"C")
        transport.write.assert_not_called()

    asyncio.run(send())
