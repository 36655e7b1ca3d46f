"""The search for the highest rate that holds a p99, on services of a line."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_dsql.storm.rate import report as told
from pytest_dsql.storm.rate.knee import MOST_STEPS, Knee, Step, find, p99_ms
from pytest_dsql.storm.record.common import Call, Facts, History

LIMIT_MS = 500.0
Service = Callable[[float], float]


def searched(service: Service, start: float = 50.0) -> Knee:
    """Search where a rate has the p99 that a service gives it."""
    *_, last = find(lambda rate: Step(rate, rate, service(rate), service(rate) <= LIMIT_MS), LIMIT_MS, start)
    return last


def up_to(capacity: float) -> Service:
    return lambda rate: 20.0 if rate <= capacity else 5_000.0


@pytest.mark.parametrize("capacity", [60.0, 430.0, 3_000.0, 7.0])
def test_the_knee_is_close_to_what_a_service_can_do(capacity: float) -> None:
    knee = searched(up_to(capacity))
    assert knee.best
    assert capacity / 1.2 < knee.best.rate <= capacity
    assert len(knee.steps) <= MOST_STEPS


def test_it_steps_up_backs_off_and_closes_in() -> None:
    assert [step.rate for step in searched(up_to(430)).steps] == [50, 100, 200, 400, 800, 570, 480, 440]


def test_a_service_that_holds_anything_ends_the_search_with_its_steps() -> None:
    knee = searched(up_to(math.inf))
    assert len(knee.steps) == MOST_STEPS
    assert knee.too_much is None
    assert "of those that were tried (20 ms): the knee is beyond it." in told.sentence(knee, "local stand-in")


def test_a_service_that_holds_nothing_has_no_knee() -> None:
    knee = searched(up_to(0))
    assert knee.best is None
    assert told.sentence(knee, "local stand-in").startswith("No rate held a p99 of 500 ms on the local stand-in: 0.")


def test_a_rate_that_held_by_chance_above_one_that_did_not_is_not_the_knee() -> None:
    steps = tuple(Step(rate, rate, 1.0, held) for rate, held in ((50, True), (100, False), (200, True)))
    best = Knee(LIMIT_MS, steps).best
    assert best and best.rate == 50  # noqa: PT018


def test_it_is_said_in_one_sentence_and_a_table() -> None:
    first, _, *table = told.text(searched(up_to(430)), "local stand-in").splitlines()
    assert first == (
        "400 calls/s is the highest rate that held a p99 of 500 ms on the local stand-in (20 ms); at 440 it was "
        "5,000 ms."
    )
    assert table[1].split() == ["50", "50.0", "20", "ms", "held"]
    assert table[5].split() == ["800", "800.0", "5,000", "ms", "too", "much"]


def test_the_page_has_the_sentence_and_the_plot(tmp_path: Path) -> None:
    lost = Step(900, 100, math.inf, held=False)
    knee = Knee(LIMIT_MS, (*searched(up_to(430)).steps, lost))
    page = told.write(tmp_path, knee, "local stand-in").read_text()
    assert "<h1>400 calls/s is the highest rate" in page
    assert 'role="img"' in page
    assert json.loads((tmp_path / told.JSON).read_text())["steps"][-1]["p99_ms"] is None


def history(*calls: Call) -> History:
    return History(Facts(planned=len(calls)), calls)


def test_what_came_before_a_step_had_settled_is_not_measured() -> None:
    slow = Call(id=0, due=0.0, sent=0.0, worker="w", answered=3.0)
    quick = [Call(id=at, due=2.0, sent=2.0, worker="w", answered=2.01) for at in range(1, 100)]
    assert p99_ms(history(slow, *quick), since=2.0) == pytest.approx(10.0)
    assert p99_ms(history(slow), since=2.0) == math.inf


def test_a_call_that_nobody_answered_was_too_long() -> None:
    assert p99_ms(history(Call(id=0, due=0.0, sent=0.0, worker="w")), since=0.0) == math.inf
