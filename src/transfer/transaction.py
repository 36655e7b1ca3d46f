"""The transfer as one transaction, and what its COMMIT may answer."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus

from transfer.errors import (
    InsufficientBalance,
    NotCommitted,
    OutcomeUnknown,
    PayeeNotFound,
    PayerNotFound,
    TransferIdReused,
)
from transfer.pipeline import Pipeline, StatementResult, command
from transfer.request import Transfer

_CHANGES: Final = Pipeline(
    begin="BEGIN",
    made="SELECT payer, payee, amount, balance FROM transfers WHERE id = $1",
    debit="UPDATE accounts SET balance = balance - $1 WHERE id = $2 RETURNING balance",
    credit="UPDATE accounts SET balance = balance + $1 WHERE id = $2 RETURNING balance",
    receipt="INSERT INTO transfers (id, payer, payee, amount, balance)"
    " SELECT $1::uuid, id, $3::int, $4::int, balance FROM accounts WHERE id = $2",
    record="INSERT INTO transactions (payer_id, payee_id, amount) VALUES ($1, $2, $3)",
)

_UNCERTAIN_CLASSES: Final = ("08", "57", "58", "XX")
_UNCERTAIN_SQLSTATE: Final = "40003"
"""Connection exceptions, operator intervention, system and internal errors, statement completion unknown
(PostgreSQL, appendix A). Aurora DSQL's user guide calls a COMMIT answered by XX000 uncertain."""


class _Made(Exception):
    """The transfer has a receipt: payer, payee, amount and balance."""

    def __init__(self, receipt: list[int | None]) -> None:
        self.receipt = receipt


def make(connection: psycopg.Connection, transfer: Transfer, *, record: bool = False) -> int:
    """Make the transfer in one transaction, in two round trips, and return the payer's new balance.

    One with an id leaves a receipt in ``transfers``. Where there is one already nothing is moved: the balance is what
    was returned then, and TransferIdReused is raised where it is another transfer's. With ``record`` the history has a
    row of it, too: one where it is made, none where it is not.

    Raises PayerNotFound, PayeeNotFound or InsufficientBalance after a rollback, OutcomeUnknown where the connection
    was lost during COMMIT, and psycopg's errors for all else, a lost optimistic transaction (40001) among it.
    """
    statements = _statements(transfer, record=record)
    try:
        with settled(connection):
            answers = _CHANGES.run(connection, **statements)
            return _made(transfer, dict(zip(statements, answers, strict=True)))
    except _Made as known:
        return _as_made(transfer, known.receipt)


def _statements(transfer: Transfer, *, record: bool) -> dict[str, tuple[int | UUID, ...]]:
    """Return what is run, in this order, and with what."""
    id_, payer, payee, amount = transfer.transfer_id, transfer.payer_id, transfer.payee_id, transfer.amount
    return {
        "begin": (),
        **({} if id_ is None else {"made": (id_,)}),
        "debit": (amount, payer),
        "credit": (amount, payee),
        **({} if id_ is None else {"receipt": (id_, payer, payee, amount)}),
        **({"record": (payer, payee, amount)} if record else {}),
    }


def _made(transfer: Transfer, answers: Mapping[str, StatementResult]) -> int:
    """Return the payer's new balance; raise where it cannot be paid, _Made where it has been."""
    # Asked first: a receipt that is there already cannot be written again.
    if "made" in answers and (found := answers["made"].integers()):
        raise _Made(found)
    balance = _debited(transfer, answers["debit"].integer())
    # Asked after the debit: one that cannot be paid is refused as such, even if its credit failed.
    if answers["credit"].integer() is None:
        raise PayeeNotFound(f"there is no account {transfer.payee_id} to pay to")
    for written in ("receipt", "record"):
        if written in answers:
            answers[written].check()
    return balance


def _as_made(transfer: Transfer, receipt: list[int | None]) -> int:
    """Return what was returned for a transfer that was made; raise TransferIdReused where that was another one."""
    *made, balance = (value or 0 for value in receipt)  # none is NULL
    for field, value in zip(("payer_id", "payee_id", "amount"), made, strict=True):
        if value != getattr(transfer, field):
            raise TransferIdReused(field, value, getattr(transfer, field))
    return balance


def _debited(transfer: Transfer, balance: int | None) -> int:
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
