"""The names of the stand-in's clusters, for programs that resolve names themselves."""

import asyncio
import contextlib
import functools
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast
from unittest import mock

from pytest_dsql.link.handle import Handle
from pytest_dsql.link.messages import Addresses

DOMAIN: Final = ".on.aws"
Find = Callable[[Any], str | None]


def addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the address of each cluster by its endpoint; raise OSError where the stand-in is gone."""
    return dict(Handle(environment["DSQL_CONTROL"], "").ask(Addresses()))


def lines(environment: Mapping[str, str]) -> list[str]:
    """Return what a hosts file says of the clusters, a line for each."""
    return [f"{address} {host}" for host, address in addresses(environment).items()]


@contextlib.contextmanager
def resolved(environment: Mapping[str, str]) -> Iterator[None]:
    """Resolve the clusters' names in this process, as DNS does on AWS, as long as the block lasts.

    Python asks ``socket.getaddrinfo``; a loop of uvloop asks the C library itself, so it is given the address.
    """

    def find(host: Any) -> str | None:
        known = isinstance(host, str) and host.lower().rstrip(".").endswith(DOMAIN)
        return addresses(environment).get(host.lower().rstrip(".")) if known else None

    with contextlib.ExitStack() as patches:
        patches.enter_context(mock.patch.object(socket, "getaddrinfo", _looked_up(socket.getaddrinfo, find)))
        if "uvloop" in sys.modules:
            loop = sys.modules["uvloop"].Loop
            patches.enter_context(mock.patch.object(loop, "create_connection", _connected(loop, find)))
        yield


def _looked_up(original: Callable[..., Any], find: Find) -> Callable[..., Any]:
    @functools.wraps(original)
    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        return original(find(host) or host, *arguments, **named)

    return getaddrinfo


def _connected(loop: type[asyncio.AbstractEventLoop], find: Find) -> Callable[..., Any]:
    original = cast("Callable[..., Any]", loop.create_connection)

    @functools.wraps(original)
    async def create_connection(self: Any, factory: Any, host: Any = None, port: Any = None, **named: Any) -> Any:
        address = find(host)
        if address and named.get("ssl") and named.get("server_hostname") is None:
            named["server_hostname"] = host
        return await original(self, factory, address or host, port, **named)

    return create_connection
