"""The transfer as one transaction, and what its COMMIT may answer."""

import contextlib
from collections.abc import Iterator
from typing import Final

import psycopg
from psycopg.pq import TransactionStatus

from transfer.errors import (
    InsufficientBalance,
    NotCommitted,
    OutcomeUnknown,
    PayeeNotFound,
    PayerNotFound,
)
from transfer.pipeline import Pipeline, command
from transfer.request import Transfer

_STATEMENTS: Final = {
    "begin": "BEGIN",
    "debit": "UPDATE accounts SET balance = balance - $1 WHERE id = $2 RETURNING balance",
    "credit": "UPDATE accounts SET balance = balance + $1 WHERE id = $2 RETURNING balance",
}
_RECORD: Final = "INSERT INTO transactions (payer_id, payee_id, amount) VALUES ($1, $2, $3)"
_CHANGES: Final = Pipeline(**_STATEMENTS)
_RECORDED: Final = Pipeline(**_STATEMENTS, record=_RECORD)

_UNCERTAIN_CLASSES: Final = ("08", "57", "58", "XX")
_UNCERTAIN_SQLSTATE: Final = "40003"
"""Connection exceptions, operator intervention, system and internal errors, statement completion unknown
(PostgreSQL, appendix A). Aurora DSQL's user guide calls a COMMIT answered by XX000 uncertain."""


def make(connection: psycopg.Connection, transfer: Transfer, *, record: bool = False) -> int:
    """Make the transfer in one transaction, in two round trips, and return the payer's new balance.

    With ``record`` the history has a row of it, in the same transaction: one where it is made, none where it is not.

    Raises PayerNotFound, PayeeNotFound or InsufficientBalance after a rollback, OutcomeUnknown where the connection
    was lost during COMMIT, and psycopg's errors for all else, a lost optimistic transaction (40001) among it.
    """
    payer, payee, amount = transfer.payer_id, transfer.payee_id, transfer.amount
    parameters: list[tuple[int, ...]] = [(), (amount, payer), (amount, payee)]
    with settled(connection):
        if record:
            _, debit, credit, recorded = _RECORDED.run(connection, *parameters, (payer, payee, amount))
        else:
            _, debit, credit = _CHANGES.run(connection, *parameters)
            recorded = credit
        balance = _paid(transfer, debit.integer())
        # Asked second: a debit that cannot be paid is refused as such, even if its credit failed.
        if credit.integer() is None:
            raise PayeeNotFound(f"there is no account {payee} to pay to")
        recorded.check()
        return balance


def _paid(transfer: Transfer, balance: int | None) -> int:
    """Return the payer's new balance; raise where there is no account, or not enough in it."""
    if balance is None:
        raise PayerNotFound(f"there is no account {transfer.payer_id} to pay from")
    if balance < 0:
        raise InsufficientBalance(f"account {transfer.payer_id} has less than {transfer.amount}")
    return balance


@contextlib.contextmanager
def settled(connection: psycopg.Connection) -> Iterator[None]:
    """COMMIT what the body has begun; ROLLBACK where it raises. The connection is in autocommit mode.

    Raises OutcomeUnknown where nobody can tell whether COMMIT was applied, and NotCommitted where it was not.
    """
    try:
        yield
    except BaseException:
        _rollback(connection)
        raise
    _commit(connection)


def _commit(connection: psycopg.Connection) -> None:
    try:
        answer = command(connection, "COMMIT")
    except psycopg.Error as error:
        if _uncertain(error.sqlstate):
            raise OutcomeUnknown(f"the answer to COMMIT was lost: {error}") from error
        raise
    if answer != "COMMIT":
        raise NotCommitted(f"COMMIT was answered with {answer}")


def _uncertain(sqlstate: str | None) -> bool:
    """Whether COMMIT may have been applied; an error without SQLSTATE is libpq's own: no answer came."""
    return sqlstate is None or sqlstate == _UNCERTAIN_SQLSTATE or sqlstate.startswith(_UNCERTAIN_CLASSES)


def _rollback(connection: psycopg.Connection) -> None:
    """Roll back what is open. Where that fails too, the server rolls back as the connection goes."""
    if connection.info.transaction_status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}:
        with contextlib.suppress(psycopg.Error):
            connection.execute("ROLLBACK")
