import random
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_dsql.storm.record.verdict import Expectations
from pytest_dsql.storm.transfers.checker import check
from tests.unit.storm.bank import REFUSED, Bank, busy

ALL_COMMIT = Expectations(must_all_commit=True, must_conflict=True, starved_retries=50, starved_s=30, min_rate=1)


def test_a_storm_with_retries() -> None:
    assert busy(2_000).check(ALL_COMMIT).findings == ()


def test_nothing_happened() -> None:
    assert Bank().check().passed


def test_refusals_that_are_allowed() -> None:
    bank = busy()
    bank.note(1, 2, **REFUSED)
    assert bank.check(Expectations(must_conflict=True)).passed


def test_a_chain_of_unknown_outcomes_is_decided_from_its_ends() -> None:
    bank = Bank()
    bank.lose(1, 2, made=True)
    bank.lose(2, 3, made=False)
    bank.lose(3, 4, made=True)
    verdict = bank.check()
    assert (verdict.findings, verdict.resolved, verdict.ambiguous) == ((), {0: True, 1: False, 2: True}, ())


def test_two_amounts_on_one_account_are_told_apart() -> None:
    bank = Bank()
    bank.lose(1, 2, 30, made=False)
    bank.lose(1, 2, 20, made=True)
    assert bank.check().resolved == {0: False, 1: True}


def test_two_alike_are_ambiguous() -> None:
    bank = Bank()
    bank.lose(1, 2, made=True)
    bank.lose(1, 2, made=False)
    verdict = bank.check()
    assert (verdict.findings, verdict.resolved, verdict.ambiguous) == ((), {}, (0, 1))


def test_a_circle_is_ambiguous_until_an_answered_balance_decides() -> None:
    bank = Bank(2)
    bank.lose(1, 2, made=True)
    bank.lose(2, 1, made=True)
    assert bank.check().ambiguous == (0, 1)
    bank = Bank(2)
    bank.lose(1, 2, made=True)
    bank.pay(1, 2)
    bank.lose(2, 1, made=True)
    assert bank.calls[1].balance == 80
    verdict = bank.check()
    assert (verdict.findings, verdict.resolved) == ((), {0: True, 2: True})


def test_a_thousand_unknown_outcomes_end() -> None:
    bank, source = busy(3_000, accounts=60), random.Random(3)
    for _ in range(1_000):
        payer, payee = source.sample(range(1, 61), 2)
        bank.lose(payer, payee, 1, made=source.random() < 0.5)
    assert bank.check().passed


@st.composite
def banks(draw: st.DrawFn, unknown: bool = True) -> Bank:
    """Serial executions with amounts that are multiples of one step of at least two."""
    step = draw(st.sampled_from([2, 5, 10]))
    equal = draw(st.booleans())
    bank = Bank(draw(st.integers(2, 5)), opening=1_000)
    ids = st.integers(1, len(bank.balances))
    pairs = st.tuples(ids, ids).filter(lambda pair: pair[0] != pair[1])
    kinds = st.sampled_from(["pay", "pay", "pay", "refuse", "made", "not made"] if unknown else ["pay", "refuse"])
    for (payer, payee), kind, times in draw(st.lists(st.tuples(pairs, kinds, st.integers(1, 4)), max_size=30)):
        amount = step if equal else step * times
        if kind == "pay":
            bank.pay(payer, payee, amount)
        elif kind == "refuse":
            bank.note(payer, payee, amount, **REFUSED)
        else:
            bank.lose(payer, payee, amount, made=kind == "made")
    bank.read()
    return bank


@given(bank=banks())
@settings(deadline=None, max_examples=300)
def test_serial_executions_pass(bank: Bank) -> None:
    verdict = bank.check()
    assert verdict.findings == ()
    unknown = {call.id for call in bank.calls if call.code == "Sandbox.Timedout"}
    assert unknown == verdict.resolved.keys() | {*verdict.ambiguous}


@given(bank=banks(), data=st.data(), cent=st.sampled_from([-1, 1]))
@settings(deadline=None, max_examples=300)
def test_a_cent_more_or_less_anywhere_is_found(bank: Bank, data: st.DataObject, cent: int) -> None:
    assert not check(corrupted(bank, data, cent)).passed


def corrupted(bank: Bank, data: st.DataObject, cent: int) -> Any:
    """Change one figure of the history by a cent: a closing or answered balance, an amount, what a reader saw."""
    committed = [number for number, call in enumerate(bank.calls) if call.balance is not None]
    what = data.draw(st.sampled_from(["closing", "reader", *(["answered", "amount"] if committed else [])]))
    if what == "closing":
        bank.balances[data.draw(st.sampled_from(sorted(bank.balances)))] += cent
    elif what == "reader":
        bank.readings[0] = changed(bank.readings[0], "total", cent)
    else:
        at = data.draw(st.sampled_from(committed))
        bank.calls[at] = changed(bank.calls[at], {"answered": "balance"}.get(what, what), cent)
    return bank.history()


def changed(record: Any, name: str, by: int) -> Any:
    return replace(record, **{name: getattr(record, name) + by})
