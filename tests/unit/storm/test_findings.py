import random
from dataclasses import replace
from typing import Any

import pytest

from pytest_dsql.storm.record.model import Reading
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.record.verdict import Expectations
from tests.unit.storm.bank import REFUSED, TIMED_OUT, UNSAID, Bank, busy, names, only


def test_a_transfer_that_credits_twice() -> None:
    bank = busy()
    bank.pay(1, 2)
    bank.balances[2] += 10
    bank.read()
    verdict = bank.check()
    assert names(verdict) == {"conservation", "reconciliation", "reader_total"}
    assert "opened with 1,000 and closed with 1,010: 10 made of nothing" in verdict.findings[0].text
    assert "account 2 opened at 100" in verdict.findings[1].text
    assert "off by +10" in verdict.findings[1].text


def test_a_commit_of_unknown_outcome_that_was_repeated() -> None:
    bank = busy()
    bank.move(1, 2)
    bank.pay(1, 2)
    verdict = bank.check()
    assert names(verdict) == {"reconciliation"}
    assert "2 accounts do not reconcile; first" in only(verdict)
    assert "account 1 " in only(verdict)


def test_a_debit_without_credit_once_in_5000() -> None:
    bank = busy(5_000, accounts=100)
    lost = bank.calls[3_210]
    bank.balances[lost.payee] -= 1
    verdict = bank.check()
    assert names(verdict) == {"conservation", "reconciliation"}
    assert f"first and worst: account {lost.payee} opened" in verdict.findings[1].text
    assert "1 lost" in verdict.findings[0].text


def test_first_and_worst_are_told_apart() -> None:
    bank = Bank()
    bank.balances[2] += 1
    bank.balances[4] -= 7
    text = bank.check().findings[1].text
    assert text.index("first: account 2") < text.index("worst: account 4")


def test_no_conflict_at_all() -> None:
    bank = Bank()
    for _ in range(9):
        bank.pay(1, 2, 1)
    assert names(bank.check(Expectations(must_conflict=True))) == {"no_conflict"}


def test_a_tenth_of_the_answers_dropped() -> None:
    bank, source = busy(1_000), random.Random(5)
    for number in source.sample(range(1_000), 100):
        bank.calls[number] = replace(bank.calls[number], balance=None, retries=0, **UNSAID)
    text = only(bank.check())
    assert text.startswith("100 calls were sent by workers that lived, and never answered; first")


def test_a_worker_killed_half_way() -> None:
    bank = busy(100)
    bank.move(3, 4)
    bank.note(3, 4, worker="gw1", **UNSAID)
    history = bank.history(lost_workers=("gw1",))
    verdict = bank.check(facts=replace(history.facts, planned=150), lost_workers=("gw1",))
    assert names(verdict) == {"lost_worker", "missing_calls"}
    assert "49 of 150 planned calls were never sent; first: call 101; worst: call 149" in verdict.findings[0].text
    assert "gw1, 1 calls sent, 1 of them unanswered" in verdict.findings[1].text
    assert verdict.resolved == {100: True}


def test_a_balance_below_zero() -> None:
    bank = Bank()
    bank.pay(1, 2, 101)
    text = only(bank.check())
    assert text.startswith("2 balances below zero")
    assert "call 0 (1 to 2, 101) answered -1" in text


def test_a_reader_that_saw_another_total() -> None:
    bank = busy()
    bank.readings[1:3] = [Reading(0.5, 0.6, 10, 999), Reading(0.6, 0.7, 10, 1_020)]
    text = only(bank.check())
    assert text.startswith("2 of 4 readers did not see 1,000 in 10 accounts; first: at 0.500 s 999")
    assert "worst: at 0.600 s 1,020" in text


def test_a_reader_that_missed_an_account() -> None:
    bank = Bank()
    bank.readings.append(Reading(0, 1, 3, 400))
    assert names(bank.check()) == {"reader_total"}


@pytest.mark.parametrize(
    ("balances", "why"),
    [
        ((90, 90), "no debit leads from 90 down to 80"),
        ((80, 70), "no debit leads from 100 down to 90"),
        ((95, 80), "steps of 10 from the opening balance do not reach"),
    ],
)
def test_answered_balances_of_two_equal_debits(balances: tuple[int, int], why: str) -> None:
    bank = Bank()
    for balance in balances:
        bank.pay(1, 2, balance=balance)
    assert why in only(bank.check())


def test_an_answered_balance_that_credits_make_possible() -> None:
    bank = Bank()
    bank.pay(1, 2)
    bank.pay(2, 1)
    bank.calls[0] = replace(bank.calls[0], balance=100)
    assert bank.check().passed
    bank.calls[0] = replace(bank.calls[0], balance=110)
    assert "answered 110 (call 0) to 110 (call 0): balances were answered on both sides of 100 to 110" in only(
        bank.check()
    )


def test_no_choice_of_unknown_outcomes_fits_the_answered_balances() -> None:
    bank = Bank(2)
    bank.lose(1, 2, made=False)
    bank.lose(2, 1, made=False)
    bank.pay(1, 2, balance=60)
    assert names(bank.check()) == {"serial_order"}


def test_no_choice_of_unknown_outcomes_fits_to_the_cent() -> None:
    bank = Bank()
    for made in (True, True, False, False):
        bank.lose(1, 2, made=made)
    bank.balances[1] += 5
    bank.balances[2] -= 5
    verdict = bank.check()
    assert names(verdict) == {"reconciliation"}
    assert "none of its 4 unknown outcomes explains" in only(verdict)


def test_an_answer_that_nobody_knows() -> None:
    bank = Bank()
    bank.note(1, 2, **{**TIMED_OUT, "code": "57P01", "known": False})
    text = only(bank.check())
    assert "call 0 (1 to 2, 10) was answered 57P01: Task timed out" in text


def test_calls_twice() -> None:
    bank = busy(50)
    bank.pay(1, 2, id=7)
    verdict = bank.check(facts=replace(bank.history().facts, planned=50), stray_answers=(9, 9))
    assert names(verdict) == {"duplicate_call"}
    assert "first: call 7, sent 2 times" in only(verdict)
    assert "worst: call 9, sent 1 times, with 2 answers too many" in only(verdict)


@pytest.mark.parametrize(
    ("told", "expectations"),
    [
        (REFUSED, Expectations(must_all_commit=True)),
        ({**REFUSED, "code": "insufficient_balance"}, Expectations()),
        ({**REFUSED, "marker": None}, Expectations()),
    ],
)
def test_refusals_that_are_not_allowed(told: dict[str, Any], expectations: Expectations) -> None:
    bank = busy()
    bank.note(1, 2, **told)
    assert names(bank.check(expectations)) == {"unexpected_refusal"}


def test_an_unknown_outcome_where_all_must_commit() -> None:
    bank = busy()
    bank.lose(1, 2, made=True)
    assert names(bank.check(Expectations(must_all_commit=True))) == {"unexpected_unknown"}


@pytest.mark.parametrize(
    ("expectations", "name"),
    [
        (Expectations(starved_retries=4), "starved"),
        (Expectations(starved_s=5), "starved"),
        (Expectations(max_retries=4), "max_retries"),
        (Expectations(max_p99_ms=19), "max_p99"),
        (Expectations(min_rate=1_000), "min_rate"),
    ],
)
def test_bounds(expectations: Expectations, name: str) -> None:
    bank = busy()
    bank.pay(1, 2, retries=5, answered=8.0)
    assert names(bank.check(expectations)) == {name}
    assert bank.check(Expectations(starved_retries=5, starved_s=8, max_retries=5, max_p99_ms=21, min_rate=20)).passed


def test_a_p99_of_nothing_is_missed() -> None:
    assert names(Bank().check(Expectations(max_p99_ms=1))) == {"max_p99"}


def test_a_group_with_too_many_choices_still_fits_no_odd_cent() -> None:
    bank = Bank(2)
    for number in range(60):
        bank.lose(1, 2, 2, made=number % 2 == 0)
        bank.lose(2, 1, 2, made=number % 2 == 0)
    assert len(bank.check().ambiguous) == 120
    bank.balances[1] += 1
    bank.balances[2] -= 1
    assert names(bank.check()) == {"reconciliation"}


def test_an_account_that_nobody_opened() -> None:
    bank = Bank(2)
    bank.pay(1, 2)
    bank.balances[3] = 1
    verdict = bank.check()
    assert names(verdict) == {"conservation", "reconciliation"}
    assert "account 3 opened at 0 and closed at 1" in verdict.findings[1].text


def test_a_payee_that_does_not_exist_cannot_be_paid() -> None:
    bank = Bank(2)
    bank.balances[1] -= 10
    bank.note(1, 7, outcome=Outcome.COMMITTED, balance=90)
    assert names(bank.check()) == {"conservation", "reconciliation"}


def test_an_account_may_be_emptied() -> None:
    bank = Bank()
    bank.pay(1, 2, 100)
    assert bank.check().passed


def test_an_unanswered_call_is_not_besides_an_unexpected_answer() -> None:
    bank = busy()
    bank.move(1, 2)
    bank.note(1, 2, **UNSAID)
    assert names(bank.check(Expectations(must_all_commit=True))) == {"unanswered"}


def test_a_bound_that_is_just_met() -> None:
    bank = Bank()
    bank.pay(1, 2, due=0.0, sent=0.0, answered=0.5)
    assert bank.check(Expectations(max_p99_ms=500, min_rate=2, starved_s=0.5)).passed


def test_the_worst_refusal_is_of_the_commonest_kind() -> None:
    bank = Bank()
    for code in ("invalid_request", "payer_not_found", "payer_not_found"):
        bank.note(1, 2, **{**REFUSED, "code": code})
    text = only(bank.check())
    assert text.index("first: call 0 (1 to 2, 10) with invalid_request") < text.index("worst: call 1 ")


def test_each_choice_alone_contradicts_the_answered_balances() -> None:
    bank = Bank(3)
    bank.lose(2, 1, 20, made=True)
    bank.lose(2, 1, 20, made=False)
    for _ in range(2):
        bank.pay(1, 3, balance=100)
    verdict = bank.check()
    assert names(verdict) == {"serial_order"}
    assert "2 credits are needed, not 1" in only(verdict)
    assert verdict.ambiguous == (0, 1)


def test_a_transfer_to_oneself_of_unknown_outcome_changes_nothing() -> None:
    bank = Bank()
    bank.lose(1, 1, made=True)
    verdict = bank.check()
    assert (verdict.findings, verdict.resolved, verdict.ambiguous) == ((), {}, ())


def test_what_was_decided_explains_nothing_more() -> None:
    bank = Bank()
    bank.lose(1, 2, 30, made=False)
    bank.balances[2] += 30
    assert names(bank.check()) == {"conservation", "reconciliation"}
