"""Where clusters listen, on systems that have all addresses and on those that have one."""

import errno
from collections.abc import Callable

import pytest

from pytest_dsql.local.network import addresses
from pytest_dsql.local.network.addresses import FREE, PORT, SHARED

HOST = "abc.dsql.us-east-1.on.aws"
GIVEN = 49152


def system(taken: set[tuple[str, int]], *, all_addresses: bool = True) -> Callable[[str, int], int]:
    """Return how a system listens: some places are taken, and some systems have one address."""

    def listen(address: str, port: int) -> int:
        if not all_addresses and address != SHARED:
            raise OSError(errno.EADDRNOTAVAIL, "Can't assign requested address")
        if taken & {(address, port), ("0.0.0.0", port)}:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        taken.add((address, port))
        return port or GIVEN

    return listen


def test_two_clusters_have_addresses_of_their_own_at_the_usual_port() -> None:
    listen = system(set())
    address, port = addresses.first(listen, FREE)
    own = {addresses.of_cluster(listen, host, port) for host in (HOST, f"other-{HOST}")}
    assert port == PORT
    assert len({*own, address, SHARED, None}) == 5


def test_an_address_is_the_same_each_time() -> None:
    assert addresses.of_cluster(system(set()), HOST, PORT) == addresses.of_cluster(system(set()), HOST, PORT)


def test_one_that_is_taken_makes_way_for_the_next() -> None:
    listen = system(set())
    assert addresses.of_cluster(listen, HOST, PORT) != addresses.of_cluster(listen, HOST, PORT)


def test_where_there_is_one_address_all_share_it() -> None:
    listen = system(set(), all_addresses=False)
    assert addresses.first(listen, FREE) == (SHARED, PORT)
    assert addresses.of_cluster(listen, HOST, PORT) is None


@pytest.mark.parametrize("all_addresses", [True, False])
def test_where_a_server_has_the_port_on_every_address_a_free_one_is_taken(all_addresses: bool) -> None:
    listen = system({("0.0.0.0", PORT)}, all_addresses=all_addresses)
    address, port = addresses.first(listen, FREE)
    assert (port, address == SHARED) == (GIVEN, not all_addresses)


def test_a_port_that_was_asked_for_is_that_or_none() -> None:
    listen = system(set())
    assert addresses.first(listen, 6000) == (SHARED, 6000)
    with pytest.raises(OSError, match="in use"):
        addresses.first(listen, 6000)
