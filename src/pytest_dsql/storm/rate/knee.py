"""The highest rate that holds a p99: steps up, backs off, closes in. What a step is does not matter here."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from pytest_dsql.storm.record.common import History
from pytest_dsql.storm.record.statistics import percentile

MOST_STEPS: Final = 12
CLOSE: Final = 1.1
"""Closer than this, as a ratio, the highest rate that held and the lowest that did not need not be."""
SETTLING: Final = 0.25
"""The part of a step that is not measured: functions start that the last rate had no need of."""


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one rate (calls/s); ``p99_ms`` is the callers', since due, infinite where one was not answered."""

    rate: float
    achieved: float
    p99_ms: float
    held: bool


@dataclass(frozen=True, slots=True)
class Knee:
    """What a search has come to."""

    limit_ms: float
    steps: tuple[Step, ...]

    @property
    def too_much(self) -> Step | None:
        """The lowest rate that did not hold, None where all did."""
        return min((step for step in self.steps if not step.held), key=lambda step: step.rate, default=None)

    @property
    def best(self) -> Step | None:
        """The highest rate that held, below any that did not; None where there is none."""
        bound = self.too_much.rate if self.too_much else math.inf
        return max((s for s in self.steps if s.held and s.rate < bound), key=lambda step: step.rate, default=None)


def following(knee: Knee, start: float) -> float | None:
    """Return the rate to try next, None where the knee is found, or there is none."""
    best, too_much = knee.best, knee.too_much
    if len(knee.steps) == MOST_STEPS:
        return None
    if best and too_much:
        middle = _told(math.sqrt(best.rate * too_much.rate))
        return middle if too_much.rate / best.rate > CLOSE and best.rate < middle < too_much.rate else None
    if best:
        return best.rate * 2
    if too_much:
        return too_much.rate / 2 if too_much.rate > 1 else None
    return start


def _told(rate: float) -> float:
    """Round a rate to what is easily told: two digits, or three where they begin with 1."""
    return float(f"{rate:.2g}") if f"{rate:e}"[0] != "1" else float(f"{rate:.3g}")


def find(step: Callable[[float], Step], limit_ms: float, start: float) -> Iterator[Knee]:
    """Yield what is known after each step, the knee at last; ``step`` tries a rate."""
    knee = Knee(limit_ms, ())
    while (rate := following(knee, start)) is not None:
        knee = Knee(limit_ms, (*knee.steps, step(rate)))
        yield knee


def p99_ms(history: History, since: float) -> float:
    """Return the p99 of what the callers waited whose calls were due ``since`` (s) or later."""
    measured = [call for call in history.calls if call.due >= since]
    waits = sorted(math.inf if call.latency_ms is None else call.latency_ms for call in measured)
    return percentile(waits, 99) if waits else math.inf
