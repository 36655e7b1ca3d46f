from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fix_bank import Bank
from transfer import transaction
from transfer.connection import connect
from transfer.errors import InsufficientBalance, InvalidRequest, PayeeNotFound, PayerNotFound
from transfer.request import Transfer

ACCOUNTS = [1, 2, 3]
ids = st.sampled_from([*ACCOUNTS, 99])
requests = st.fixed_dictionaries({"payer_id": ids, "payee_id": ids, "amount": st.integers(-5, 150)})


@pytest.fixture
def connection(environment: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    with connect() as connection:
        yield connection


class Ledger:
    """What the balances must be, by arithmetic alone."""

    def __init__(self) -> None:
        self.balances = dict.fromkeys(ACCOUNTS, 100)

    def apply(self, event: dict[str, int]) -> int | type[Exception]:
        payer, payee, amount = event["payer_id"], event["payee_id"], event["amount"]
        if amount <= 0 or payer == payee:
            return InvalidRequest
        if payer not in self.balances:
            return PayerNotFound
        if self.balances[payer] < amount:
            return InsufficientBalance
        if payee not in self.balances:
            return PayeeNotFound
        self.balances[payer] -= amount
        self.balances[payee] += amount
        return self.balances[payer]


@given(events=st.lists(requests, max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_of_transfers_conserves_money(
    connection: psycopg.Connection, bank: Bank, events: list[dict[str, int]]
) -> None:
    ledger = Ledger()
    bank.open(dict(ledger.balances))
    for event in events:
        expected = ledger.apply(event)
        try:
            answer: int | type[Exception] = transaction.make(connection, Transfer.from_event(event))
        except (InvalidRequest, PayerNotFound, PayeeNotFound, InsufficientBalance) as error:
            answer = type(error)
        assert answer == expected
        assert bank.balances() == ledger.balances
    assert sum(ledger.balances.values()) == 300
    assert min(ledger.balances.values()) >= 0
