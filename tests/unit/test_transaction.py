from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors
from psycopg.pq import TransactionStatus

from tests.fix_bank import Bank
from tests.fix_front import Front
from transfer import transaction
from transfer.connection import connect
from transfer.errors import InsufficientBalance, NotCommitted, OutcomeUnknown, PayeeNotFound, PayerNotFound
from transfer.request import INTEGER_MAX, Transfer

TEN = Transfer(payer_id=1, payee_id=2, amount=10)


@pytest.fixture
def connection(environment: pytest.MonkeyPatch, bank: Bank) -> Iterator[psycopg.Connection]:
    with connect() as connection:
        yield connection


def untouched(connection: psycopg.Connection, bank: Bank) -> bool:
    """Whether nothing was committed and nothing is left open."""
    idle = connection.info.transaction_status is TransactionStatus.IDLE
    return idle and bank.balances() == {1: 100, 2: 100}


def test_a_transfer_moves_the_amount_and_returns_the_payers_balance(connection: psycopg.Connection, bank: Bank) -> None:
    assert transaction.make(connection, TEN) == 90
    assert transaction.make(connection, TEN) == 80
    assert bank.balances() == {1: 80, 2: 120}


def test_the_last_cent_can_be_spent(connection: psycopg.Connection, bank: Bank) -> None:
    assert transaction.make(connection, Transfer(1, 2, 100)) == 0
    assert bank.balances() == {1: 0, 2: 200}


@pytest.mark.parametrize(
    ("transfer", "error", "text"),
    [
        (Transfer(7, 2, 10), PayerNotFound, "no account 7 to pay from"),
        (Transfer(1, 7, 10), PayeeNotFound, "no account 7 to pay to"),
        (Transfer(1, 2, 101), InsufficientBalance, "account 1 has less than 101"),
        (Transfer(1, 2, INTEGER_MAX), InsufficientBalance, "account 1 has less than 2147483647"),
    ],
)
def test_a_transfer_that_cannot_be_made_is_rolled_back(
    connection: psycopg.Connection, bank: Bank, transfer: Transfer, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        transaction.make(connection, transfer)
    assert untouched(connection, bank)


def test_an_account_without_a_balance_can_neither_pay_nor_be_paid(connection: psycopg.Connection, bank: Bank) -> None:
    bank.open({1: 100, 2: None})
    with pytest.raises(PayeeNotFound):
        transaction.make(connection, TEN)
    with pytest.raises(PayerNotFound):
        transaction.make(connection, Transfer(2, 1, 10))
    assert bank.balances() == {1: 100, 2: None}


def test_a_balance_beyond_the_column_type_is_refused(connection: psycopg.Connection, bank: Bank) -> None:
    bank.open({1: 100, 2: INTEGER_MAX})
    with pytest.raises(errors.NumericValueOutOfRange):
        transaction.make(connection, TEN)
    assert bank.balances() == {1: 100, 2: INTEGER_MAX}


@pytest.mark.parametrize("moment", ["statement", "commit"])
def test_a_conflict_is_raised_as_it_came_and_rolled_back(
    connection: psycopg.Connection, bank: Bank, moment: str
) -> None:
    bank.raise_error(moment)
    with pytest.raises(errors.SerializationFailure, match=r"\(OC000\)"):
        transaction.make(connection, TEN)
    assert untouched(connection, bank)
    assert bank.errors_raised == 1


@pytest.mark.parametrize("made", range(8))
@pytest.mark.parametrize("moment", ["statement", "commit"])
def test_a_connection_goes_on_after_an_error_however_often_it_was_used(
    connection: psycopg.Connection, bank: Bank, made: int, moment: str
) -> None:
    for _ in range(made):
        transaction.make(connection, Transfer(1, 2, 1))
    bank.raise_error(moment)
    with pytest.raises(errors.SerializationFailure):
        transaction.make(connection, TEN)
    for refused in (Transfer(7, 2, 10), Transfer(1, 2, INTEGER_MAX)):
        with pytest.raises((PayerNotFound, InsufficientBalance)):
            transaction.make(connection, refused)
    assert transaction.make(connection, TEN) == 90 - made


def test_any_error_of_the_body_is_rolled_back(connection: psycopg.Connection, bank: Bank) -> None:
    def interrupted() -> None:
        with transaction.settled(connection):
            connection.execute("BEGIN")
            connection.execute("UPDATE accounts SET balance = 0")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert untouched(connection, bank)


def test_a_commit_answered_with_rollback_is_not_taken_for_one(connection: psycopg.Connection, bank: Bank) -> None:
    def swallowing_an_error() -> None:
        with transaction.settled(connection):
            connection.execute("BEGIN")
            connection.execute("UPDATE accounts SET balance = 0")
            with pytest.raises(errors.DivisionByZero):
                connection.execute("SELECT 1/0")

    with pytest.raises(NotCommitted, match="COMMIT was answered with ROLLBACK"):
        swallowing_an_error()
    assert untouched(connection, bank)


@pytest.mark.parametrize("statement", ["BEGIN", "balance - ", "balance + "])
@pytest.mark.parametrize("when", ["cut_before", "cut_after"])
def test_a_connection_lost_before_commit_is_a_plain_error(
    connection: psycopg.Connection, bank: Bank, front: Front, statement: str, when: str
) -> None:
    getattr(front, when)(statement)
    with pytest.raises(psycopg.OperationalError):
        transaction.make(connection, TEN)
    assert connection.closed
    assert bank.balances() == {1: 100, 2: 100}


@pytest.mark.parametrize("when", ["cut_before", "cut_after"])
def test_a_connection_that_was_used_before_can_be_lost_as_well(
    connection: psycopg.Connection, bank: Bank, front: Front, when: str
) -> None:
    transaction.make(connection, TEN)
    getattr(front, when)("debit")
    with pytest.raises(psycopg.OperationalError):
        transaction.make(connection, TEN)
    assert connection.closed
    assert bank.balances() == {1: 90, 2: 110}


def test_a_change_that_cannot_be_prepared_can_be_later(connection: psycopg.Connection, bank: Bank) -> None:
    bank.connection.execute("ALTER TABLE accounts RENAME TO elsewhere")
    try:
        with pytest.raises(errors.UndefinedTable):
            transaction.make(connection, TEN)
    finally:
        bank.connection.execute("ALTER TABLE elsewhere RENAME TO accounts")
    assert transaction.make(connection, TEN) == 90


def test_a_connection_lost_on_the_way_to_commit_leaves_the_outcome_unknown(
    connection: psycopg.Connection, bank: Bank, front: Front
) -> None:
    front.cut_before("COMMIT")
    with pytest.raises(OutcomeUnknown, match="the answer to COMMIT was lost"):
        transaction.make(connection, TEN)
    assert bank.balances() == {1: 100, 2: 100}


def test_a_connection_lost_after_commit_leaves_the_outcome_unknown(
    connection: psycopg.Connection, bank: Bank, front: Front
) -> None:
    front.cut_after("COMMIT")
    with pytest.raises(OutcomeUnknown):
        transaction.make(connection, TEN)
    assert bank.balances() == {1: 90, 2: 110}


@pytest.mark.parametrize("sqlstate", ["XX000", "57P01", "58000", "08006", "40003"])
def test_an_error_of_the_service_at_commit_leaves_the_outcome_unknown(
    connection: psycopg.Connection, bank: Bank, sqlstate: str
) -> None:
    bank.raise_error("commit", sqlstate=sqlstate, message="server unavailable")
    with pytest.raises(OutcomeUnknown, match="server unavailable"):
        transaction.make(connection, TEN)


@pytest.mark.parametrize("sqlstate", ["23503", "54000", "40001", "40P01"])
def test_a_commit_that_the_database_refuses_is_a_plain_error(
    connection: psycopg.Connection, bank: Bank, sqlstate: str
) -> None:
    bank.raise_error("commit", sqlstate=sqlstate)
    with pytest.raises(psycopg.Error) as caught:
        transaction.make(connection, TEN)
    assert caught.value.sqlstate == sqlstate
    assert untouched(connection, bank)


def test_the_servers_end_of_a_session_in_mid_transaction_is_a_plain_error(
    connection: psycopg.Connection, bank: Bank
) -> None:
    def ended() -> None:
        with transaction.settled(connection):
            connection.execute("BEGIN")
            connection.execute("UPDATE accounts SET balance = 0")
            bank.terminate(connection.execute("SELECT pg_backend_pid()").fetchone()[0])  # type: ignore[index]
            connection.execute("SELECT 1")

    with pytest.raises(errors.AdminShutdown):
        ended()
    assert bank.balances() == {1: 100, 2: 100}
