"""The history has one row for each transfer that was made, and the million's bound on conflicts."""

from dataclasses import replace
from typing import Any

import pytest

from pytest_dsql.storm.record.model import History, Ledger
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.record.verdict import Expectations
from pytest_dsql.storm.transfers.checker import check
from pytest_dsql.storm.transfers.scenario import FAR_FEWER, FEW, FEW_ACCOUNTS, MILLION
from tests.unit.storm.bank import REFUSED, Bank, busy, only
from tests.unit.storm.fake_stage import LOAD

RECORDS = Expectations(must_record=True)


def written(bank: Bank, **other: int) -> History:
    """What a storm leaves whose history is as it should be, but for ``other``."""
    made = [call for call in bank.calls if call.outcome is Outcome.COMMITTED]
    rows = {
        "rows": len(made),
        "amount": sum(call.amount for call in made),
        "payers": sum(call.payer for call in made),
        "payees": sum(call.payee for call in made),
        "products": sum(call.payer * call.payee * call.amount for call in made),
    }
    history = bank.history()
    return replace(history, facts=replace(history.facts, history=Ledger(**{**rows, **other})))


def test_a_history_of_what_was_made_and_of_nothing_else() -> None:
    bank = busy()
    bank.note(1, 2, **REFUSED)
    assert check(written(bank), RECORDS).findings == ()


def test_a_call_whose_answer_was_lost_has_a_row_where_it_was_made() -> None:
    bank = busy()
    before = written(bank).facts.history
    assert before
    bank.lose(1, 2, made=True)
    products = {"amount": before.amount + 10, "payers": before.payers + 1, "payees": before.payees + 2}
    history = written(bank, rows=201, products=before.products + 20, **products)
    verdict = check(history, RECORDS)
    assert (verdict.findings, verdict.resolved) == ((), {200: True})


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"rows": 201}, "it has 201 rows for 200 transfers that were made"),
        ({"rows": 0}, "it has 0 rows for 200 transfers that were made"),
        ({"products": 7}, "its 200 rows are not those of the transfers that were made"),
    ],
)
def test_a_row_too_many_or_of_another_transfer(other: dict[str, Any], told: str) -> None:
    assert only(check(written(busy(), **other), RECORDS)) == f"{told}"


def test_a_history_that_nobody_has_read() -> None:
    assert only(check(busy().history(), RECORDS)) == "nobody has read it"


@pytest.mark.parametrize(("conflicts", "passes"), [(2, True), (3, False)])
def test_a_million_accounts_have_few_conflicts(*, conflicts: int, passes: bool) -> None:
    bank = Bank(40)
    for number in range(200):
        bank.pay(1 + number % 20, 21 + number % 20, 1, retries=int(number < conflicts))
    verdict = check(written(bank), MILLION.expectations)
    assert verdict.passed is passes
    if not passes:
        assert only(verdict) == "3 of 200 calls met a conflict (1.50%), more than 1.00%"


def test_conflicts_among_many_accounts_are_far_rarer_than_among_few_in_the_same_run() -> None:
    assert MILLION.expected(LOAD).max_conflicts == FEW
    assert MILLION.expected(LOAD, {FEW_ACCOUNTS.name: 0.02}).max_conflicts == 0.02 / FAR_FEWER
    assert MILLION.expected(LOAD, {FEW_ACCOUNTS.name: 0.5}).max_conflicts == FEW


def test_chapter_4s_storm_stays_what_it_is_beside_a_million() -> None:
    load = FEW_ACCOUNTS.load(replace(LOAD, calls=1_000_000, parallel=10_000, accounts=1_000_000))
    assert (load.calls, load.parallel, load.accounts) == (10_000, 1_000, 1_000)
    assert FEW_ACCOUNTS.load(replace(LOAD, calls=200)).calls == 50
