"""Whether the balances that were answered can be those of any serial order of an account's transfers.

A serial order is a walk: it starts at the opening balance, ends at the closing one, and takes every transfer once. A
debit that answered balance *b* for amount *d* is a step with a fixed place, from b + d down to b. Credits, and debits
whose outcome was learned otherwise, are steps whose place is free.

**Where all amounts of the account are equal** the answer is exact. All steps join neighbours on a line, so between
two neighbours a walk goes up as often as down, once more where the closing balance is above and the opening one
below, once less the other way round. The number of ups in each place follows from the downs, and their sum is right
wherever the account reconciles. By Euler's theorem a walk exists if and only if the steps that are there hang
together and no place needs a negative number of ups: every place between the lowest and the highest balance that
the walk must see has a debit, or lies on the way up, or is given one of the free debits.

**Where amounts differ** the same is necessary, and not sufficient: (1) all balances lie on the grid of the amounts'
greatest common divisor; (2) levels that no answered debit crosses, and that are not on the way up, are together no
longer than the free debits; (3) no level is crossed upwards more often than there are credits; (4) a debit that does
not begin where another ended needs a free step between. What passes all four may still be impossible.

The order of the calls in time is not looked at.
"""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_dsql.storm.record.model import Call


@dataclass(frozen=True, slots=True)
class Demand:
    """What an account's answered debits ask of its free steps."""

    grid: int
    """The greatest common divisor of the answered balances' distances from the opening one."""
    uncovered: int
    """The length of all levels that only free debits can cross."""
    gap: tuple[int, int]
    """The longest of them."""
    ups: int
    """How often some level must be crossed upwards."""
    joins: int
    """How many free steps at least must stand between debits."""


@dataclass(frozen=True, slots=True)
class Supply:
    """The free steps of an account; ``step`` is the greatest common divisor of all its amounts, answered ones too."""

    credits: int
    debits: int
    debited: int
    """The sum of the free debits."""
    step: int


def demand(opening: int, closing: int, debits: Sequence[Call]) -> Demand:
    """Return what the answered debits, which all have a balance, ask for."""
    downs: Counter[int] = Counter()
    joints: Counter[int] = Counter({opening: -1})
    joints[closing] += 1
    grid = 0
    for call in debits:
        low = call.balance or 0
        high = low + call.amount
        downs[low] += 1
        downs[high] -= 1
        joints[high] += 1
        joints[low] -= 1
        grid = math.gcd(grid, low - opening)
    uncovered, gap, ups = _levels(opening, closing, downs)
    return Demand(grid, uncovered, gap, ups, sum(count for count in joints.values() if count > 0))


def _levels(opening: int, closing: int, downs: Counter[int]) -> tuple[int, tuple[int, int], int]:
    """Return the length of uncovered levels, the longest of them, and the most ups across any level."""
    uncovered, gap, most, crossing = 0, (opening, opening), 0, 0
    levels = sorted({opening, closing, *downs})
    for low, high in itertools.pairwise(levels):
        crossing += downs[low]
        rising = opening <= low and high <= closing
        falling = closing <= low and high <= opening
        most = max(most, crossing + rising - falling)
        if not crossing and not rising:
            uncovered += high - low
            gap = max(gap, (low, high), key=lambda pair: pair[1] - pair[0])
    return uncovered, gap, most


def contradiction(demand: Demand, supply: Supply) -> str | None:
    """Return why no serial order answers these balances; None where nothing speaks against one."""
    if supply.step and demand.grid % supply.step:
        return f"steps of {supply.step} from the opening balance do not reach every balance that was answered"
    if demand.uncovered > supply.debited:
        low, high = demand.gap
        return f"balances were answered on both sides of {low} to {high}, and no debit leads from {high} down to {low}"
    if demand.ups > supply.credits:
        return f"some balance is passed downwards so often that {demand.ups} credits are needed, not {supply.credits}"
    if demand.joins > supply.credits + supply.debits:
        return f"{demand.joins} debits begin at a balance that nothing leads to"
    return None
