from dataclasses import replace

import pytest

from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.record.statistics import HOTTEST, Heat, measure, spread
from tests.unit.storm.bank import REFUSED, UNSAID, Bank


def test_percentiles_are_values_that_were_measured() -> None:
    told = spread([float(value) for value in range(200, 0, -1)])
    assert told is not None
    assert (told.count, told.min, told.avg, told.max) == (200, 1, 100.5, 200)
    assert (told.p50, told.p90, told.p95, told.p99) == (100, 180, 190, 198)
    assert spread([]) is None


def storm() -> Bank:
    bank = Bank()
    bank.pay(1, 2, due=0.0, sent=0.1, answered=0.5, retries=2, duration_ms=300.0)
    bank.pay(1, 3, due=0.5, sent=0.5, answered=0.75, duration_ms=100.0, throttles=3)
    bank.note(2, 1, due=1.0, sent=1.0, answered=1.25, **REFUSED)
    bank.note(2, 1, **{**REFUSED, "error": "another", "answered": 1.75, "due": 1.5, "sent": 1.5})
    bank.note(3, 1, due=2.0, sent=2.25, **UNSAID)
    return bank


def test_the_figures_of_a_small_storm() -> None:
    figures = measure(storm().history(cpu_s={"gw0": 0.7, "gw1": 0.35}))
    assert (figures.calls, figures.committed, figures.refused, figures.unknown, figures.unanswered) == (5, 2, 2, 1, 1)
    assert (figures.total_s, figures.offered_rate, figures.achieved_rate) == (1.75, 2.0, 4 / 1.75)
    assert figures.function_ms is not None
    assert (figures.function_ms.count, figures.function_ms.max) == (4, 300)
    assert figures.caller_ms is not None
    assert (figures.caller_ms.count, figures.caller_ms.min, figures.caller_ms.max) == (4, 250, 500)
    assert (figures.conflicts, figures.failed, figures.retried) == (3, 3, 1)
    assert (figures.retries, figures.retries_total, figures.retries_max) == ({0: 4, 2: 1}, 2, 2)
    assert figures.throttles == 3
    assert figures.hottest[0] == Heat(1, 5, 3)


def test_the_drivers_load() -> None:
    load = measure(storm().history(cpu_s={"gw0": 0.7, "gw1": 0.35})).driver
    assert load.busiest == "gw0"
    assert (load.cpu_s, load.busiest_share, load.share) == pytest.approx((1.05, 0.4, 0.6))


def test_errors_by_code_with_one_example() -> None:
    errors = measure(storm().history()).errors
    assert [(kind.outcome, kind.code, kind.marker, kind.count, kind.example) for kind in errors] == [
        (Outcome.REFUSED, "40001", "OC000", 2, "lost (OC000)"),
        (Outcome.UNKNOWN, "unanswered", None, 1, ""),
    ]


def test_seconds_without_a_hole() -> None:
    bank = storm()
    bank.pay(1, 2, due=3.9, sent=3.9, answered=4.5)
    seconds = measure(bank.history()).seconds
    assert [(second.committed, second.refused, second.unknown, second.retries) for second in seconds] == [
        (2, 0, 0, 2),
        (0, 2, 0, 0),
        (0, 0, 1, 0),
        (0, 0, 0, 0),
        (1, 0, 0, 0),
    ]
    assert (seconds[0].p50_ms, seconds[0].p99_ms) == (250, 500)
    assert seconds[3].p50_ms is None


def test_cold_starts_are_the_conductors_to_tell() -> None:
    history = storm().history()
    assert measure(replace(history, facts=replace(history.facts, cold_starts=2))).cold_starts == 2


def test_a_storm_of_nothing_has_figures() -> None:
    figures = measure(Bank().history())
    assert (figures.calls, figures.total_s, figures.achieved_rate, figures.offered_rate) == (0, 0, 0, None)
    assert (figures.seconds, figures.function_ms, figures.cold_starts) == ((), None, None)


def test_the_hottest_are_few_and_equals_stand_by_number() -> None:
    bank = Bank(2 * HOTTEST)
    for payer in range(1, 2 * HOTTEST, 2):
        bank.pay(payer, payer + 1)
    assert [heat.account for heat in measure(bank.history()).hottest] == list(range(1, HOTTEST + 1))
