from functools import cache
from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dsql.storm.record.model import Call
from pytest_dsql.storm.transfers.serial import Demand, Supply, contradiction, demand

OPENING = 10


def walk_exists(closing: int, debits: tuple[tuple[int, int], ...], free: tuple[int, ...]) -> bool:
    """Try every order of debits (balance before, after) and free changes."""

    @cache
    def walk(at: int, debits: tuple[tuple[int, int], ...], free: tuple[int, ...]) -> bool:
        if not debits and not free:
            return at == closing
        return any(
            walk(debit[1], debits[:n] + debits[n + 1 :], free) for n, debit in enumerate(debits) if debit[0] == at
        ) or any(walk(at + change, debits, free[:n] + free[n + 1 :]) for n, change in enumerate(free))

    return walk(OPENING, tuple(sorted(debits)), tuple(sorted(free)))


def judged(closing: int, debits: list[tuple[int, int]], free: list[int]) -> str | None:
    calls = [
        Call(id=0, payer=1, payee=2, amount=high - low, due=0, sent=0, worker="gw0", balance=low)
        for high, low in debits
    ]
    down = [change for change in free if change < 0]
    step = gcd(*free, *(call.amount for call in calls))
    return contradiction(demand(OPENING, closing, calls), Supply(len(free) - len(down), len(down), -sum(down), step))


@given(
    lows=st.lists(st.integers(5, 13), max_size=5),
    ups=st.integers(0, 4),
    downs=st.integers(0, 2),
    step=st.integers(1, 2),
)
def test_exact_where_all_amounts_are_equal(lows: list[int], ups: int, downs: int, step: int) -> None:
    debits = [(low + step, low) for low in lows]
    free = [step] * ups + [-step] * downs
    closing = OPENING + sum(free) - step * len(lows)
    assert (judged(closing, debits, free) is None) == walk_exists(closing, tuple(debits), tuple(free))


@given(
    debits=st.lists(st.tuples(st.integers(5, 13), st.integers(1, 4)), max_size=4),
    free=st.lists(st.integers(-4, 4).filter(bool), max_size=4),
)
def test_necessary_where_they_differ(debits: list[tuple[int, int]], free: list[int]) -> None:
    steps = [(low + amount, low) for low, amount in debits]
    closing = OPENING + sum(free) - sum(amount for _, amount in debits)
    if walk_exists(closing, tuple(steps), tuple(free)):
        assert judged(closing, steps, free) is None


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Demand(grid=3, uncovered=0, gap=(0, 0), ups=0, joins=0), "steps of 2"),
        (Demand(grid=0, uncovered=5, gap=(3, 8), ups=0, joins=0), "from 8 down to 3"),
        (Demand(grid=0, uncovered=0, gap=(0, 0), ups=3, joins=0), "3 credits are needed, not 2"),
        (Demand(grid=0, uncovered=0, gap=(0, 0), ups=0, joins=4), "4 debits begin"),
    ],
)
def test_each_condition_says_why(asked: Demand, why: str) -> None:
    assert why in str(contradiction(asked, Supply(credits=2, debits=1, debited=4, step=2)))


def test_a_credit_between_two_debits() -> None:
    assert judged(1, [(10, 5), (6, 1)], [1]) is None
    assert judged(0, [(10, 5), (6, 1)], []) is not None


def test_the_closing_balance_wants_a_step_that_leads_to_it() -> None:
    assert judged(2, [(10, 8), (5, 4)], [-3, -2]) is None
    assert judged(2, [(10, 8), (5, 4)], [-5]) is not None
