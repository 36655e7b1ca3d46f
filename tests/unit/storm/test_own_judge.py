"""The judgement on a storm of anyone's transaction, on histories written by hand."""

from collections.abc import Iterator
from typing import Any

import pytest

from pytest_dsql.storm.own.history import Broken, Call, Facts, History, Snapshot
from pytest_dsql.storm.own.judge import NOTHING_MET, Allowed, judge
from pytest_dsql.storm.own.report import StormReport
from pytest_dsql.storm.record.common import INTERRUPTED
from pytest_dsql.storm.record.outcome import Outcome

ALLOWED = Allowed({"40001"})
REPEAT = "seed 7, revision abc, again: pytest test_it.py::test_it --dsql-storm-seed=7"


def call(number: int, **told: Any) -> Call:
    times: dict[str, Any] = {"due": number / 10, "sent": number / 10, "answered": number / 10 + 0.05}
    given = {"outcome": Outcome.COMMITTED, "worker": "worker00", "request": {"sku": number}, **times, **told}
    return Call(id=number, **given)


def history(*calls: Call, **facts: Any) -> History:
    told = {"planned": len(calls), "workers": ("worker00",), "lost": 3, **facts}
    return History(Facts(**told), calls, cpu_s={"worker00": 0.1})


def found(history: History, allowed: Allowed = ALLOWED, *own: str) -> Iterator[tuple[str, str]]:
    return ((finding.name, finding.text) for finding in judge(history, allowed, own).findings)


def test_a_storm_in_which_all_held_passes() -> None:
    assert judge(history(call(0), call(1)), ALLOWED).passed


@pytest.mark.parametrize(("value", "passed"), [(10, True), (9, False)])
def test_a_sum_has_one_value_in_every_snapshot(value: int, *, passed: bool) -> None:
    snapshots = (Snapshot(0.1, {"stock": 10}), Snapshot(0.2, {"stock": value}))
    verdict = judge(History(Facts(planned=1, sums={"stock": 10}, lost=1), (call(0),), snapshots=snapshots), ALLOWED)
    assert verdict.passed is passed
    if not passed:
        assert str(verdict.findings[0]) == ("sum: stock was not 10 in 1 of 2 snapshots; first and worst: 9 at 0.200 s")


def test_a_broken_rule_is_told_with_its_rows() -> None:
    broken = {"sold twice": Broken(7, [{"sku": 1, "sold": 2}, {"sku": 5, "sold": 3}]), "negative": Broken(0, [])}
    assert [*found(history(call(0), rules=broken))] == [
        ("rule", "sold twice: 7 rows at the end: sku 1, sold 2; sku 5, sold 3; …")
    ]


def test_what_the_workload_finds_itself_is_found() -> None:
    assert [*found(history(call(0), lost=0), ALLOWED, "a number twice")] == [("check", "a number twice")]
    many = [text for _, text in found(history(call(0)), ALLOWED, *map(str, range(12)))]
    assert many == ["0", "1", "2", "and 9 more"]


@pytest.mark.parametrize("how", [{"lost": 0, "retries": 1}, {"lost": None, "code": "40001"}, {"lost": 1}])
def test_conflicts_are_known_by_the_wire_or_by_the_calls(how: dict[str, Any]) -> None:
    refused = {"outcome": Outcome.REFUSED} if "code" in how else {}
    lost = how.pop("lost")
    assert [*found(history(call(0, **how, **refused), call(1), lost=lost))] == []


@pytest.mark.parametrize("lost", [0, None])
def test_a_storm_in_which_nothing_conflicted_is_not_green_unless_that_is_said(lost: int | None) -> None:
    quiet = history(call(0), lost=lost)
    assert [*found(quiet)] == [("no_conflict", NOTHING_MET)]
    verdict = judge(quiet, Allowed((), must_conflict=False))
    assert StormReport(quiet, verdict, REPEAT).headline.endswith("nothing conflicted, as its test allows")


def test_what_calls_may_be_refused_with_is_said() -> None:
    sold_out = call(1, outcome=Outcome.REFUSED, code="SoldOut", error="SoldOut: of 3")
    assert [*found(history(call(0), sold_out), Allowed({"SoldOut"}))] == []
    ((name, text),) = found(history(call(0), sold_out))
    assert name == "unexpected_refusal"
    assert "first and worst: call 1 {'sku': 1}, SoldOut: SoldOut: of 3" in text


def test_a_storm_that_committed_nothing_has_shown_nothing() -> None:
    assert [name for name, _ in found(history(call(0, outcome=Outcome.UNKNOWN)))] == ["nothing_committed"]


def test_unknown_outcomes_are_named_and_are_no_finding() -> None:
    cut = history(call(0), call(1, outcome=Outcome.UNKNOWN, code="OperationalError", error="closed"))
    verdict = judge(cut, ALLOWED)
    assert verdict.passed
    assert "\n  1 unknown outcomes: calls 1\n" in StormReport(cut, verdict, REPEAT).text


def test_a_killed_worker_is_named_with_its_last_words_and_what_it_left_undone() -> None:
    facts = Facts(planned=4, workers=("worker00", "worker01"), lost=1, last_words={"worker01": "KeyError: 'sku'"})
    half = History(facts, (call(0), call(1)), ("worker01",), {"worker00": 0.1})
    assert [*found(half)] == [
        ("lost_worker", "worker01 did not come to its end: KeyError: 'sku'"),
        ("missing_calls", "2 of 4 calls were never made; first and worst: call 2"),
    ]


def test_the_report_is_opened_by_its_verdict_and_ends_with_how_to_repeat_it() -> None:
    broken = history(call(0), trouble=INTERRUPTED)
    report = StormReport(broken, judge(broken, ALLOWED), REPEAT)
    lines = report.text.splitlines()
    assert lines[:2] == ["FAIL  1 calls on the local stand-in, 1 finding", "  broken_off: it was interrupted"]
    assert lines[-1] == REPEAT
    assert report.interrupted
