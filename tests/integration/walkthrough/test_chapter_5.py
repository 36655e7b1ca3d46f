"""Chapter 5: a history. Each transfer that is made has one row in it, by the same transaction."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from infra import database, schema
from infra.stack import Stack
from infra.stand_in import LocalCloud
from pytest_dsql.link.handle import Handle
from tests.fix_stack import Deploy, Invoke

pytestmark = pytest.mark.chapter5

Admin = psycopg.Connection[Any]
INDEXES = {"transactions_pkey", "idx_transactions_payer", "idx_transactions_payee"}


class Row(NamedTuple):
    """A row of the history."""

    id: UUID
    payer_id: int
    payee_id: int
    amount: int
    created_at: datetime

    def __str__(self) -> str:
        return f"ID: {self.id}, Payer: {self.payer_id}, Payee: {self.payee_id}, Amount: {self.amount}, Time: " + str(
            self.created_at
        )


@pytest.fixture
def history(chapter: Deploy, accounts: Admin, database_role: str) -> Admin:
    """Accounts of 100 each, and an empty history; gives admin's session, to look at them."""
    chapter(5)
    schema.create_history(accounts, database_role)
    accounts.execute("DELETE FROM transactions")
    return accounts


def latest(history: Admin, column: str, account: int) -> list[Row]:
    """The latest five transfers of an account, as payer or payee."""
    query = f"SELECT * FROM transactions WHERE {column} = %s ORDER BY created_at DESC LIMIT 5"
    with history.cursor(row_factory=namedtuple_row) as cursor:
        return [Row(*row) for row in cursor.execute(query, (account,)).fetchall()]


def recent(history: Admin) -> list[Row]:
    """The latest five of payer 1 and payee 2."""
    rows = {*latest(history, "payer_id", 1), *latest(history, "payee_id", 2)}
    return sorted(rows, key=lambda row: row.created_at, reverse=True)[:5]


def recorded(history: Admin) -> int:
    (count,) = history.execute("SELECT count(*) FROM transactions").fetchone() or (0,)
    return int(count)


def test_a_transfer_is_in_the_history(invoke: Invoke, history: Admin, capsys: pytest.CaptureFixture[str]) -> None:
    invoke(payer_id=1, payee_id=3, amount=1)
    answer = invoke(payer_id=1, payee_id=2, amount=10).payload
    rows = recent(history)
    with capsys.disabled():
        print(f"\nFound {len(rows)} recent transactions for accounts 1 and 2:")
        for number, row in enumerate(rows, 1):
            print(f"  {number}. {row}")
    assert answer["balance"] == 89
    assert [(row.payer_id, row.payee_id, row.amount) for row in rows] == [(1, 2, 10), (1, 3, 1)]
    assert rows[0].id != rows[1].id


def test_the_history_is_made_once(history: Admin, database_role: str) -> None:
    def state() -> list[Any]:
        query = "SELECT indexname, (SELECT count(*) FROM sys.jobs) FROM pg_indexes WHERE tablename = 'transactions'"
        return sorted(history.execute(query).fetchall())

    before = state()
    assert {name for name, _ in before} == INDEXES
    schema.create_history(history, database_role)
    assert state() == before


@pytest.mark.parametrize("event", [{"amount": 101}, {"payee_id": 1_001}])
def test_a_transfer_that_is_not_made_is_not_in_the_history(
    invoke: Invoke, history: Admin, event: dict[str, int]
) -> None:
    assert "error" in invoke({"payer_id": 1, "payee_id": 2, "amount": 10, **event}).payload
    assert recorded(history) == 0


@pytest.fixture
def handle(stack: Stack, history: Admin) -> Handle:
    """Faults of the stand-in, on the stack's cluster."""
    if not isinstance(stack.cloud, LocalCloud):
        pytest.skip("faults can be set on the stand-in alone")
    return stack.cloud.handle(database.endpoint(stack.outputs()))


def test_a_transfer_that_lost_has_one_row(invoke: Invoke, history: Admin, handle: Handle) -> None:
    with handle.fault("fail", role="myapp", times=3) as fault:
        answer = invoke(payer_id=1, payee_id=2, amount=10).payload
    assert (fault.times, answer["balance"]) == (3, 90)
    assert answer["retries"] >= 3
    assert recorded(history) == 1


def test_a_transfer_whose_answer_was_lost_has_one_row(invoke: Invoke, history: Admin, handle: Handle) -> None:
    with handle.fault("cut_after", role="myapp"):
        assert invoke(payer_id=1, payee_id=2, amount=10).payload["error_code"] == "outcome_unknown"
    assert recorded(history) == 1
