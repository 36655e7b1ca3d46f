"""Chapters 1 to 5: the functions that use the database, each an entry point of AWS Lambda."""

import time
from typing import Final, Protocol, TypedDict

import psycopg

from transfer import greeting, transaction
from transfer.connection import WarmConnection
from transfer.errors import TransferError
from transfer.request import Transfer
from transfer.retry import Retry, RetryPolicy

ANSWER_MARGIN_S: Final = 0.5
"""Kept back from the invocation's remaining time, so that a refusal is still answered."""

warm = WarmConnection()


class LambdaContext(Protocol):
    """What is used of the context object that Lambda passes to a handler."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""
        ...


class Balance(TypedDict):
    """The payer's balance after the transfer."""

    balance: int


class Report(TypedDict, total=False):
    """``balance``, or ``error`` and ``error_code``; always ``duration`` in ms and ``retries``."""

    balance: int
    error: str
    error_code: str
    duration: float
    retries: int


def connect(event: object, _context: object) -> dict[str, str]:
    """Chapters 1 and 2: greet after a round trip to the database; raise what the connection raises."""
    name = greeting.name_of(event)
    with warm.session() as connection:
        connection.execute("SELECT 1")
    return {"greeting": f"Hello {name}, connected to DSQL successfully!"}


def transfer(event: object, _context: object) -> Balance:
    """Chapter 3: make the transfer; raise what goes wrong."""
    return {"balance": _make(Transfer.from_event(event))}


def transfer_once(event: object, context: LambdaContext) -> Report:
    """Chapter 4, first half: make the transfer without retry and report its duration or its error."""
    return _report(event, context, RetryPolicy(attempts=1))


def transfer_with_retry(event: object, context: LambdaContext) -> Report:
    """Chapter 4, second half: the same, with the transaction run again when it lost to another one."""
    return _report(event, context, RetryPolicy())


def transfer_with_history(event: object, context: LambdaContext) -> Report:
    """Chapter 5: the same, with a row of the history for it in the same transaction."""
    return _report(event, context, RetryPolicy(), record=True)


def _make(request: Transfer, *, record: bool = False) -> int:
    with warm.session() as connection:
        return transaction.make(connection, request, record=record)


def _report(event: object, context: LambdaContext, policy: RetryPolicy, *, record: bool = False) -> Report:
    started = time.perf_counter()
    retry = Retry(policy, context.get_remaining_time_in_millis() / 1000 - ANSWER_MARGIN_S)
    report = _outcome(event, retry, record=record)
    report["duration"] = round((time.perf_counter() - started) * 1000, 3)
    report["retries"] = retry.retries
    return report


def _outcome(event: object, retry: Retry, *, record: bool) -> Report:
    try:
        request = Transfer.from_event(event)
        once = request.transfer_id is not None
        return {"balance": retry.run(lambda: _make(request, record=record), once=once)}
    except (TransferError, psycopg.Error) as error:
        return {"error": str(error), "error_code": error_code(error)}


def error_code(error: TransferError | psycopg.Error) -> str:
    """Return the database's SQLSTATE, a transfer error's own code, or the class where neither is known."""
    if isinstance(error, TransferError):
        return error.code
    return error.sqlstate or type(error).__name__
