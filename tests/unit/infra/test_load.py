"""Accounts filled up side by side, on PostgreSQL, which has no conflicts of its own."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from infra import load, schema

Admin = psycopg.Connection[Any]


@pytest.fixture
def admin(own_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Admin]:
    """A session on a database without accounts, where a batch is of three."""
    monkeypatch.setattr(schema, "BATCH", 3)
    with closing(psycopg.connect(own_database, autocommit=True)) as admin:
        schema.create_accounts(admin)
        admin.execute("DELETE FROM accounts")
        yield admin


def accounts(admin: Admin) -> list[tuple[int, int]]:
    return admin.execute("SELECT id, balance FROM accounts ORDER BY id").fetchall()


def fill(own_database: str, batches: list[range], **how: Any) -> list[int]:
    return list(load.fill(lambda: psycopg.connect(own_database, autocommit=True), batches, 100, **how))


@pytest.mark.parametrize("count", [1, 6, 7, 8])
def test_the_last_batch_may_be_of_any_size(admin: Admin, own_database: str, count: int) -> None:
    assert sum(fill(own_database, load.lacking(admin, count))) == count
    assert accounts(admin) == [(number, 100) for number in range(1, count + 1)]
    assert load.lacking(admin, count) == []


def test_gaps_are_filled_and_what_is_there_stays(admin: Admin, own_database: str) -> None:
    admin.execute("INSERT INTO accounts VALUES (1, 7), (2, 7), (3, 7), (5, 7), (9, 7), (12, 7)")
    batches = load.lacking(admin, 9)
    assert batches == [range(4, 7), range(7, 10)]
    fill(own_database, batches)
    assert accounts(admin) == [(n, 7 if n in {1, 2, 3, 5, 9, 12} else 100) for n in (*range(1, 10), 12)]


def test_a_reset_touches_the_batches_with_another_balance_alone(admin: Admin, own_database: str) -> None:
    fill(own_database, load.lacking(admin, 6))
    admin.execute("UPDATE accounts SET balance = 7 WHERE id = 5")
    batches = load.lacking(admin, 6, 100)
    assert batches == [range(4, 7)]
    fill(own_database, batches, reset=True)
    assert accounts(admin) == [(number, 100) for number in range(1, 7)]


def test_a_batch_that_fails_ends_the_load_and_its_sessions(admin: Admin, own_database: str) -> None:
    admin.execute("ALTER TABLE accounts ADD CONSTRAINT poor CHECK (id < 4 OR balance < 50)")
    opened: list[Admin] = []

    def sign_in() -> Admin:
        opened.append(psycopg.connect(own_database, autocommit=True))
        return opened[-1]

    with pytest.raises(psycopg.errors.CheckViolation):
        list(load.fill(sign_in, load.lacking(admin, 9)))
    assert opened
    assert all(session.closed for session in opened)
