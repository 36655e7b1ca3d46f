"""The whole stand-in in one process: what it has started ends, also where it does not come up."""

import asyncio
import socket
from typing import Any

import pytest

from pytest_dsql.local.aws import services
from pytest_dsql.local.cloud import standing


def test_nothing_runs_on_where_the_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "connect", lambda *_: None)  # moto is the other tests' too

    async def left(port: int) -> set[asyncio.Task[Any]]:
        with pytest.raises(OSError, match="address already in use"):
            async with standing(port, "us-east-1", 0, 0.2):
                pass
        return asyncio.all_tasks() - {asyncio.current_task()}

    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert asyncio.run(left(taken.getsockname()[1])) == set()
