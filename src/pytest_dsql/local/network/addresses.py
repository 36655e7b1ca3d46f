"""Where clusters listen: at PostgreSQL's own port, on addresses of their own in 127.0.0.0/8.

Linux lets a process listen on every address of that network. macOS has 127.0.0.1 alone: there, all share it.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Final

PORT: Final = 5432
SHARED: Final = "127.0.0.1"
FREE: Final = 0
CANDIDATES: Final = 8

Listen = Callable[[str, int], int]
"""Listens at an address and a port, and returns the port; raises OSError where they cannot be had."""


def first(listen: Listen, port: int) -> tuple[str, int]:
    """Listen where every cluster can be reached, by its name; return the address and the port.

    A ``port`` that is asked for is had on 127.0.0.1, or OSError is raised. Else it is 5432 wherever that is free.
    """
    if port:
        return _listen(listen, [(SHARED, port)])
    own = list(_own(secrets.token_hex()))
    return _listen(listen, [*((address, PORT) for address in own), (SHARED, PORT), (own[0], FREE), (SHARED, FREE)])


def beyond(listen: Listen, address: str, port: int) -> int:
    """Listen where other machines may come from; return the port, 5432 unless said otherwise. Raises OSError."""
    return listen(address, port or PORT)


def of_cluster(listen: Listen, host: str, port: int) -> str | None:
    """Listen on an address of the cluster's own, the same each time if it is free; None where there is none."""
    try:
        return _listen(listen, ((address, port) for address in _own(host)))[0]
    except OSError:
        return None


def _own(name: str) -> Iterator[str]:
    """Return addresses for a name, away from those that people give out by hand."""
    digest = hashlib.shake_128(name.encode()).digest(3 * CANDIDATES)
    for a, b, c in zip(digest[::3], digest[1::3], digest[2::3], strict=True):
        yield f"127.{64 + a % 64}.{b}.{1 + c % 254}"


def _listen(listen: Listen, places: Iterable[tuple[str, int]]) -> tuple[str, int]:
    refused = OSError("no address to listen on")
    for address, port in places:
        try:
            return address, listen(address, port)
        except OSError as error:
            refused = error
    raise refused
