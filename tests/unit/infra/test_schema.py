"""The accounts, batch by batch, and steps that are made again; on PostgreSQL, which has no conflicts of its own."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from infra import schema


@pytest.fixture
def admin(database: str) -> Iterator[psycopg.Connection[Any]]:
    """A session whose tables go with it."""
    with psycopg.connect(database, autocommit=True, options="-c search_path=pg_temp") as admin:
        schema.create_accounts(admin)
        schema.create_transfers(admin)
        yield admin


def accounts(admin: psycopg.Connection[Any]) -> list[tuple[int, int]]:
    return admin.execute("SELECT id, balance FROM accounts ORDER BY id").fetchall()


@pytest.mark.parametrize("count", [6, 7, 8])
def test_the_last_batch_may_be_of_any_size(
    admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(schema, "BATCH", 3)
    schema.reset_accounts(admin, count, 5)
    assert accounts(admin) == [(number, 5) for number in range(1, count + 1)]


def test_a_reset_leaves_no_receipt(admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BATCH", 3)
    admin.execute("INSERT INTO transfers SELECT gen_random_uuid(), 1, 2, 10, 90 FROM generate_series(1, 7)")
    schema.reset_transfers(admin)
    assert admin.execute("SELECT count(*) FROM transfers").fetchall() == [(0,)]


def test_a_reset_leaves_no_other_balance_and_no_other_account(admin: psycopg.Connection[Any]) -> None:
    admin.execute("INSERT INTO accounts VALUES (-1, 7), (0, 7), (1, 7), (4, 7)")
    schema.reset_accounts(admin, 3, 5)
    assert accounts(admin) == [(1, 5), (2, 5), (3, 5)]
