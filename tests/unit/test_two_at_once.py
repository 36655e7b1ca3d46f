import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.fix_bank import Bank
from transfer import transaction
from transfer.connection import WarmConnection
from transfer.request import Transfer
from transfer.retry import Retry, RetryPolicy

LIMIT_S = 20


@pytest.fixture
def rival(database: str) -> Iterator[psycopg.Connection]:
    """Another writer in mid-transaction: while it is open, every change loses."""
    with psycopg.connect(database, autocommit=True) as rival:
        rival.execute("BEGIN")
        rival.execute("SELECT pg_advisory_xact_lock(1)")
        yield rival


@pytest.mark.usefixtures("environment")
def test_two_directions_on_one_pair_of_accounts_both_end_well(bank: Bank, rival: psycopg.Connection) -> None:
    """Both lose to the rival at least twice, then the rival ends, and both go on until each has committed."""
    both_lost_twice = threading.Barrier(2, action=rival.rollback, timeout=LIMIT_S)

    def pay(payer: int, payee: int) -> int:
        waits = 0

        def wait(_: float) -> None:
            nonlocal waits
            waits += 1
            if waits == 1:
                both_lost_twice.wait()

        warm, retry = WarmConnection(), Retry(RetryPolicy(attempts=1_000), sleep=wait)
        for _ in range(20):
            with warm.session() as connection:
                retry.run(lambda: transaction.make(connection, Transfer(payer, payee, 1)))
        warm.close()
        return retry.retries

    with ThreadPoolExecutor() as pool:
        directions = [pool.submit(pay, 1, 2), pool.submit(pay, 2, 1)]
        retries = [direction.result(LIMIT_S) for direction in directions]

    assert min(retries) >= 2
    assert bank.balances() == {1: 100, 2: 100}
