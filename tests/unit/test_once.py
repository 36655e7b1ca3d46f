"""Transfers with an id: made once, however often they are asked for and whatever breaks."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.fix_bank import Bank
from tests.fix_front import Front
from transfer import transaction
from transfer.connection import connect
from transfer.errors import InsufficientBalance, OutcomeUnknown, PayerNotFound, TransferIdReused
from transfer.request import Transfer

ID = UUID("6a0e6e1c-7c66-4d6e-9a0b-0d2f4d1b5c11")
OTHER = UUID("6a0e6e1c-7c66-4d6e-9a0b-0d2f4d1b5c12")
TEN = Transfer(1, 2, 10, ID)
EVENT = {"payer_id": 1, "payee_id": 2, "amount": 10, "transfer_id": str(ID)}


@pytest.fixture
def connection(environment: pytest.MonkeyPatch, bank: Bank) -> Iterator[psycopg.Connection]:
    with connect() as connection:
        yield connection


def test_an_id_leaves_a_receipt_and_none_leaves_none(connection: psycopg.Connection, bank: Bank) -> None:
    assert transaction.make(connection, replace(TEN, transfer_id=None)) == 90
    assert bank.receipts() == []
    assert transaction.make(connection, TEN) == 80
    assert bank.receipts() == [(1, 2, 10, 80)]


def test_the_same_id_again_answers_the_same_and_moves_nothing(connection: psycopg.Connection, bank: Bank) -> None:
    assert transaction.make(connection, TEN) == 90
    assert transaction.make(connection, replace(TEN, transfer_id=OTHER)) == 80
    assert transaction.make(connection, TEN) == 90
    assert bank.balances() == {1: 80, 2: 120}


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Transfer(2, 1, 10, ID), "payer_id: the transfer with this id was made with 1, not 2"),
        (Transfer(1, 3, 10, ID), "payee_id: the transfer with this id was made with 2, not 3"),
        (Transfer(1, 2, 99, ID), "amount: the transfer with this id was made with 10, not 99"),
    ],
)
def test_the_same_id_with_other_data_is_an_error_that_names_the_field(
    connection: psycopg.Connection, bank: Bank, other: Transfer, told: str
) -> None:
    transaction.make(connection, TEN)
    with pytest.raises(TransferIdReused, match=f"^{told}$"):
        transaction.make(connection, other)
    assert bank.balances() == {1: 90, 2: 110}


@pytest.mark.parametrize(
    ("transfer", "error"), [(Transfer(1, 2, 101, ID), InsufficientBalance), (Transfer(7, 2, 10, ID), PayerNotFound)]
)
def test_a_refusal_leaves_no_receipt(
    connection: psycopg.Connection, bank: Bank, transfer: Transfer, error: type[Exception]
) -> None:
    with pytest.raises(error):
        transaction.make(connection, transfer)
    assert bank.receipts() == []
    assert transaction.make(connection, TEN) == 90


@pytest.mark.parametrize("cut", ["cut_before", "cut_after"])
def test_a_commit_whose_answer_is_lost_is_made_once_by_the_retry(
    run_handler: Callable[..., Any], bank: Bank, front: Front, cut: str
) -> None:
    getattr(front, cut)("COMMIT")
    report = run_handler("transfer_with_retry", **EVENT)
    assert (report["balance"], report["retries"]) == (90, 1)
    assert (bank.balances(), bank.receipts()) == ({1: 90, 2: 110}, [(1, 2, 10, 90)])


def test_who_asks_once_more_after_an_unknown_outcome_is_answered(
    run_handler: Callable[..., Any], bank: Bank, front: Front
) -> None:
    front.cut_after("COMMIT")
    with pytest.raises(OutcomeUnknown):
        run_handler("transfer", **EVENT)
    assert run_handler("transfer", **EVENT) == {"balance": 90}
    assert bank.balances() == {1: 90, 2: 110}


def test_conflicts_are_retried_as_without_an_id(run_handler: Callable[..., Any], bank: Bank) -> None:
    bank.raise_error("commit", times=2)
    report = run_handler("transfer_with_retry", **EVENT)
    assert (report["balance"], report["retries"], bank.receipts()) == (90, 2, [(1, 2, 10, 90)])


def test_without_an_id_the_receipts_are_not_asked(connection: psycopg.Connection, bank: Bank) -> None:
    bank.connection.execute("ALTER TABLE transfers RENAME TO elsewhere")
    try:
        assert transaction.make(connection, replace(TEN, transfer_id=None)) == 90
    finally:
        bank.connection.execute("ALTER TABLE elsewhere RENAME TO transfers")
