"""Chapter 6: a million accounts, and a plan that changes with what is in the table. Scaled down, but for --million."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from infra import database, load, schema
from infra.stack import Stack
from tests.fix_stack import Deploy, Invoke

pytestmark = [pytest.mark.chapter6, pytest.mark.timeout(600)]

Admin = psycopg.Connection[Any]
FEWER = 20_000
ROWS = 5_000
PLAN = (
    "EXPLAIN ANALYZE SELECT id, payer_id, payee_id, amount, created_at FROM transactions "
    "WHERE payer_id = 1 ORDER BY created_at DESC LIMIT 5"
)
RECORD = "INSERT INTO transactions (payer_id, payee_id, amount) SELECT id, 2, 1 FROM generate_series(1, {}) AS id"


@pytest.fixture
def history(chapter: Deploy, accounts: Admin, database_role: str) -> Admin:
    """Accounts of 100 each, and an empty history; gives admin's session."""
    chapter(6)
    schema.empty_history(accounts, database_role)
    return accounts


@pytest.fixture
def fill(stack: Stack, history: Admin) -> Callable[[int], int]:
    """Let there be so many accounts; return how many the batches had that lacked one."""
    host = database.endpoint(stack.outputs())

    def fill(count: int) -> int:
        return sum(load.fill(lambda: database.connect(stack.cloud, host), load.lacking(history, count)))

    return fill


def state(history: Admin) -> tuple[int, ...]:
    [(count, first, last, total)] = history.execute("SELECT count(*), min(id), max(id), sum(balance) FROM accounts")
    return int(count), first, last, int(total)


def plan(history: Admin, capsys: pytest.CaptureFixture[str], title: str) -> str:
    """Return the plan of "the latest five of payer 1", and show it."""
    text = "\n".join(line for (line,) in history.execute(PLAN))
    with capsys.disabled():
        print(f"\n{title}:\n{text}")
    return text


def test_accounts_are_filled_up_once(
    fill: Callable[[int], int], history: Admin, pytestconfig: pytest.Config, invoke: Invoke
) -> None:
    wanted = load.MILLION if pytestconfig.option.million else FEWER
    assert fill(wanted) == wanted - schema.ACCOUNTS
    assert state(history) == (wanted, 1, wanted, wanted * schema.BALANCE)
    assert invoke(payer_id=wanted, payee_id=1, amount=1).payload["balance"] == schema.BALANCE - 1
    assert fill(wanted) == 0


def test_a_load_that_was_broken_off_goes_on(fill: Callable[[int], int], history: Admin) -> None:
    history.execute("DELETE FROM accounts WHERE id BETWEEN 300 AND 400")
    history.execute("UPDATE accounts SET balance = 7 WHERE id = 1")
    assert fill(schema.ACCOUNTS) == schema.ACCOUNTS
    assert state(history) == (1_000, 1, 1_000, 1_000 * schema.BALANCE - 93)


def test_few_rows_are_read_and_many_looked_up(history: Admin, capsys: pytest.CaptureFixture[str]) -> None:
    history.execute(RECORD.format(6))
    few = plan(history, capsys, "with 6 rows")
    for _ in range(0, ROWS, schema.BATCH):
        history.execute(RECORD.format(schema.BATCH))
    many = plan(history, capsys, f"with {ROWS:,} more")
    assert "Sort Key: created_at DESC" in few
    assert "Full Scan (btree-table) on transactions" in few
    assert "Sort" not in many
    assert "Index Scan Backward using idx_transactions_payer" in many
    assert "Storage Lookup on transactions" in many
