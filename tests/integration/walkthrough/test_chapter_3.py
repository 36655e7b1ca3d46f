"""Chapter 3: a transfer in one transaction; what cannot be done leaves everything as it was."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from infra import schema
from pytest_dsql.retry import retried
from tests.fix_stack import Deploy, Invoke

pytestmark = pytest.mark.chapter3

Accounts = psycopg.Connection[Any]


@pytest.fixture(autouse=True)
def deployed(chapter: Deploy, accounts: Accounts, invoke: Invoke) -> None:
    chapter(3)
    invoke(payer_id=0, payee_id=1, amount=1)  # a warm session hears of schema changes as OC001, once


def balances(accounts: Accounts, *ids: int) -> list[int]:
    query = "SELECT balance FROM accounts WHERE id = ANY(%s) ORDER BY id"
    return [balance for (balance,) in accounts.execute(query, (list(ids),)).fetchall()]


def total(accounts: Accounts) -> tuple[int, int]:
    row = accounts.execute("SELECT count(*), sum(balance) FROM accounts").fetchone()
    assert row
    return row[0], row[1]


def test_the_accounts_are_there(accounts: Accounts) -> None:
    assert total(accounts) == (1_000, 100_000)


def test_a_transfer_answers_with_the_payers_balance(invoke: Invoke, accounts: Accounts) -> None:
    assert invoke(payer_id=1, payee_id=2, amount=10).payload == {"balance": 90}
    assert invoke(payer_id=1, payee_id=2, amount=10).payload == {"balance": 80}
    assert balances(accounts, 1, 2) == [80, 120]


@pytest.mark.parametrize(
    ("event", "kind", "message"),
    [
        ({"payer_id": 0, "payee_id": 2, "amount": 10}, "PayerNotFound", "0"),
        ({"payer_id": 1, "payee_id": 1_001, "amount": 10}, "PayeeNotFound", "1001"),
        ({"payer_id": 1, "payee_id": 2, "amount": 101}, "InsufficientBalance", ""),
        ({"payer_id": 1, "payee_id": 2, "amount": 0}, "InvalidRequest", "amount: must be positive, not 0"),
        ({"payer_id": 1, "amount": 10}, "InvalidRequest", "payee_id: is missing"),
        ({"payer_id": 1, "payee_id": 1, "amount": 10}, "InvalidRequest", "payee_id: must differ from payer_id"),
        ({"payer_id": "1", "payee_id": 2, "amount": 10}, "InvalidRequest", "payer_id: "),
    ],
    ids=["no payer", "no payee", "too much", "nothing", "without payee", "to itself", "a text"],
)
def test_what_cannot_be_done_changes_nothing(
    invoke: Invoke, accounts: Accounts, event: dict[str, Any], kind: str, message: str
) -> None:
    answer = invoke(event)
    assert (answer.error, answer.payload["errorType"]) == ("Unhandled", kind)
    assert message in answer.payload["errorMessage"]
    assert (balances(accounts, 1, 2), total(accounts)) == ([100, 100], (1_000, 100_000))


@pytest.fixture
def ungranted(accounts: Accounts, database_role: str) -> Iterator[None]:
    """The role myapp may not touch the accounts, for as long as the test runs."""
    retried(lambda: accounts.execute("REVOKE ALL ON accounts FROM myapp"))
    yield
    schema.create_accounts(accounts, database_role)


def test_a_missing_grant_is_told(invoke: Invoke, ungranted: None) -> None:
    answer = invoke(payer_id=1, payee_id=2, amount=10)
    assert answer.payload["errorType"] in {"InsufficientPrivilege", "SerializationFailure"}
    if answer.payload["errorType"] == "SerializationFailure":  # a warm session hears of the revoke as OC001, once
        answer = invoke(payer_id=1, payee_id=2, amount=10)
    assert answer.payload["errorMessage"].startswith("permission denied for table accounts")
