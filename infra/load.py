"""Accounts by the million: filled up side by side, a batch in each transaction, and again where it was broken off."""

import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any, Final

import psycopg

from infra import schema
from pytest_dsql.retry import retried

MILLION: Final = 1_000_000
SESSIONS: Final = 8
"""How many transactions run side by side; on a stand-in of two cores more are not faster."""

SignIn = Callable[[], "psycopg.Connection[Any]"]

_FULL: Final = (
    "SELECT (id - 1) / {size} FROM accounts WHERE id BETWEEN 1 AND {accounts} GROUP BY 1 "
    "HAVING count(*) = least({size}, {accounts} - {size} * min((id - 1) / {size}))"
)
_AS_WANTED: Final = " AND min(balance) = {balance} AND max(balance) = {balance}"


def lacking(admin: psycopg.Connection[Any], accounts: int = MILLION, balance: int | None = None) -> list[range]:
    """Return the ids from 1 to ``accounts``, in batches, where one is missing; or has another ``balance`` than this.

    Looked for by batch, as a load that was broken off has left gaps below the highest id.
    """
    full = _FULL + ("" if balance is None else _AS_WANTED)
    query = schema.composed(full, size=schema.BATCH, accounts=accounts, balance=balance)
    known = {number for (number,) in retried(lambda: admin.execute(query).fetchall())}
    return [batch for number, batch in enumerate(schema.batches(accounts)) if number not in known]


def fill(
    sign_in: SignIn, batches: Sequence[range], balance: int = schema.BALANCE, *, reset: bool = False
) -> Iterator[int]:
    """Make the accounts that are missing; yield, for each batch that is committed, how many accounts it is about.

    Those that are there keep what they have, or are given ``balance`` too (``reset``). A batch that lost to another
    transaction (40001) is made again; raises psycopg's errors for all else, and begins no more batches.
    """
    free: queue.SimpleQueue[psycopg.Connection[Any]] = queue.SimpleQueue()

    def make(batch: range) -> int:
        session = free.get()
        try:
            retried(lambda: session.execute(schema.made(batch, balance, reset=reset)))
        finally:
            free.put(session)
        return len(batch)

    with ExitStack() as opened:
        for _ in range(min(SESSIONS, len(batches))):
            free.put(opened.enter_context(closing(sign_in())))
        threads = ThreadPoolExecutor(SESSIONS, thread_name_prefix="load")
        opened.callback(threads.shutdown, cancel_futures=True)
        yield from threads.map(make, batches)
