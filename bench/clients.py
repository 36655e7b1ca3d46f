"""Load: client processes that make transfers for a while, over any connection, and what it costs."""

import multiprocessing
import random
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any, Final

import psycopg

START_LIMIT_S: Final = 60


@dataclass(frozen=True)
class Lane:
    """A way to the accounts: how to connect, and the table or view to change."""

    name: str
    settings: dict[str, Any]
    table: str


@dataclass(frozen=True)
class BenchLoad:
    """So many clients for so many seconds; each transaction changes two rows, or ``rows`` in one statement."""

    clients: int
    seconds: float
    accounts: int = 1_000
    rows: int = 2


@dataclass(frozen=True)
class Count:
    """What one client did: committed and refused transactions, seconds of its own CPU, seconds to connect."""

    committed: int
    refused: int
    cpu: float
    connecting: float


def run(lane: Lane, load: BenchLoad) -> list[Count]:
    """Run the clients side by side, each a process of its own; they start together."""
    context = multiprocessing.get_context("fork")
    together, queue = context.Barrier(load.clients), context.SimpleQueue()
    processes = [
        context.Process(target=_client, args=(seed, lane, load, together, queue), daemon=True)
        for seed in range(load.clients)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(START_LIMIT_S + load.seconds)
    return [queue.get() for process in processes if process.exitcode == 0]


def _client(seed: int, lane: Lane, load: BenchLoad, together: Barrier, queue: Any) -> None:
    began = time.perf_counter()
    with psycopg.connect(**lane.settings, autocommit=True, prepare_threshold=1) as connection:
        connecting = time.perf_counter() - began
        transaction = _transfer if load.rows == 2 else _bulk
        pick = random.Random(seed)
        for _ in range(3):
            _attempt(transaction, connection, lane, load, pick)
        together.wait(START_LIMIT_S)
        before, end = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() + load.seconds
        committed = refused = 0
        while time.perf_counter() < end:
            if _attempt(transaction, connection, lane, load, pick):
                committed += 1
            else:
                refused += 1
        after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    queue.put(Count(committed, refused, cpu, connecting))


def _attempt(
    transaction: Callable[..., None], connection: Any, lane: Lane, load: BenchLoad, pick: random.Random
) -> bool:
    try:
        transaction(connection, lane, load, pick)
    except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
        # Plain PostgreSQL locks rows at the statement: two transfers in opposite directions can end so.
        connection.execute("ROLLBACK")
        return False
    return True


def _transfer(connection: psycopg.Connection[Any], lane: Lane, load: BenchLoad, pick: random.Random) -> None:
    """The walk-through's transfer: four statements, four round trips."""
    payer, payee = pick.sample(range(1, load.accounts + 1), 2)
    connection.execute("BEGIN")
    connection.execute(f"UPDATE {lane.table} SET balance = balance - 1 WHERE id = %s RETURNING balance", (payer,))
    connection.execute(f"UPDATE {lane.table} SET balance = balance + 1 WHERE id = %s RETURNING balance", (payee,))
    connection.execute("COMMIT")


def _bulk(connection: psycopg.Connection[Any], lane: Lane, load: BenchLoad, pick: random.Random) -> None:
    first = pick.randrange(1, max(2, load.accounts - load.rows))
    connection.execute("BEGIN")
    where = "WHERE id BETWEEN %s AND %s"
    connection.execute(f"UPDATE {lane.table} SET balance = balance + 1 {where}", (first, first + load.rows - 1))
    connection.execute("COMMIT")
