import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_dsql.storm.record import record
from pytest_dsql.storm.record.common import Fault
from pytest_dsql.storm.record.effects import effects
from pytest_dsql.storm.record.model import Earlier, Facts
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.record.record import Recorder
from pytest_dsql.storm.record.statistics import measure
from pytest_dsql.storm.record.verdict import Verdict
from pytest_dsql.storm.report import export, plots
from pytest_dsql.storm.report import text as report
from pytest_dsql.storm.run.disturbance import StageFaults
from pytest_dsql.storm.transfers import answer, scenario
from pytest_dsql.storm.transfers.faults import WITHIN, FaultKind, planned
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.workers.act import Act
from tests.unit.storm.bank import TIMED_OUT, Bank, busy, only
from tests.unit.storm.fake_stage import FakeStage

LOAD = Load(calls=1_000, parallel=1, accounts=10, seed=1, faults=len(FaultKind) + 1)
FAULT = Fault(FaultKind.SERVER_KILLED, 0.5, 1.0, 1)


def test_faults_are_a_seeds_own_and_every_kind_comes_before_one_comes_twice() -> None:
    faults = [(fault.kind, fault.after, fault.chance.random()) for fault in planned(LOAD)]
    assert faults == [(fault.kind, fault.after, fault.chance.random()) for fault in planned(LOAD)]
    assert {fault.kind for fault in planned(replace(LOAD, faults=len(FaultKind)))} == {*FaultKind}
    assert [kind for kind, *_ in planned(replace(LOAD, seed=2))] != [kind for kind, *_ in faults]


def test_faults_come_while_calls_are_made() -> None:
    moments = [fault.after for fault in planned(LOAD)]
    assert moments == sorted(moments)
    assert all(WITHIN[0] * LOAD.calls <= moment <= WITHIN[1] * LOAD.calls for moment in moments)


def test_a_small_storm_has_its_part_of_them() -> None:
    assert scenario.THROTTLING.load(replace(LOAD, faults=50)).faults == 3
    assert scenario.THROTTLING.load(replace(LOAD, faults=0)).faults == 0


def test_with_faults_a_call_may_not_get_through() -> None:
    expected = scenario.WITH.expected(LOAD)
    assert not expected.must_all_commit
    assert expected.refusals == answer.NOT_REACHED


@pytest.fixture
def disturbed(tmp_path: Path) -> Callable[[FakeStage], tuple[Fault, ...]]:
    """Have faults in a storm of which all calls but the last are answered; give what the record says of them."""

    def disturbed(stage: FakeStage) -> tuple[Fault, ...]:
        act = Act(1, LOAD.calls, 1.0)
        act.watch.add(0, {"done": LOAD.calls - 1, "latencies": []})
        with Recorder(tmp_path, "reader") as recorder:
            StageFaults(stage, recorder, 0.0).run(act, LOAD, threading.Event())
        return record.read(tmp_path, Facts(planned=0, accounts=1, opening=1, closing={})).faults

    return disturbed


def test_each_fault_is_on_record(disturbed: Callable[[FakeStage], tuple[Fault, ...]]) -> None:
    stage = FakeStage()
    faults = disturbed(stage)
    assert [fault.kind for fault in faults] == stage.events == [each.kind for each in planned(LOAD)]
    assert {(fault.met, fault.trouble) for fault in faults} == {(1, None)}


def test_one_that_cannot_be_is_on_record_too(
    disturbed: Callable[[FakeStage], tuple[Fault, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> int:
        raise OSError("gone")

    monkeypatch.setattr(FakeStage, "disturb", broken)
    assert {fault.trouble for fault in disturbed(FakeStage())} == {"OSError: gone"}


def test_no_fault_comes_after_the_last_call() -> None:
    act = Act(1, LOAD.calls, 1.0)
    act.ended.add(0)
    assert not act.reach(0)


def judged(bank: Bank, *faults: Fault, **facts: Any) -> Verdict:
    return bank.check(faults=faults, facts=replace(bank.history().facts, faults=len(faults), **facts))


def test_a_storm_that_goes_on_after_its_fault() -> None:
    assert judged(busy(), FAULT).passed


def test_a_storm_that_does_not_go_on_soon() -> None:
    bank = busy()
    bank.pay(1, 2, 1, answered=30.0)
    text = only(judged(bank, replace(FAULT, begun=3.0, ended=4.0)))
    assert text == (
        "1 faults were followed by no commit for more than 10 s; first and worst: PostgreSQL killed at 3.000 s, 27.0 s"
    )


def test_a_storm_that_does_not_go_on_at_all() -> None:
    bank = busy()
    bank.lose(1, 2, made=False)
    bank.calls[-1] = replace(bank.calls[-1], answered=40.0)
    assert "PostgreSQL killed at 3.000 s, inf s" in only(judged(bank, replace(FAULT, begun=3.0, ended=4.0)))


def test_a_storm_that_ends_with_what_its_fault_did() -> None:
    bank = busy()
    bank.lose(1, 2, made=False)
    bank.calls[-1] = replace(bank.calls[-1], answered=4.5)
    assert judged(bank, replace(FAULT, begun=3.0, ended=4.0)).passed


def test_a_fault_that_could_not_be_made() -> None:
    text = only(judged(busy(), FAULT, replace(FAULT, trouble="OSError: gone")))
    assert text == "1 faults could not be made; first and worst: PostgreSQL killed at 0.500 s: OSError: gone"


def test_a_storm_without_the_faults_that_it_was_to_have() -> None:
    bank = busy()
    verdict = bank.check(facts=replace(bank.history().facts, faults=2))
    assert only(verdict) == "none of 2 faults came before the last call"


def test_a_transaction_that_is_left_open() -> None:
    assert only(judged(busy(), left_open=2)) == "2 transactions were open after the last answer"


def test_what_came_of_a_fault() -> None:
    bank = Bank()
    bank.pay(1, 2, earlier=(Earlier(0.005, Outcome.UNKNOWN, "outcome_unknown"),))
    bank.note(1, 2, **TIMED_OUT)
    bank.pay(1, 2)
    _, effect = effects(bank.history(faults=(Fault(FaultKind.CUT_AFTER, 0.0, 0.015, 1),)))[FaultKind.CUT_AFTER]
    assert (effect.committed, effect.refused, effect.unknown, effect.again) == (1, 0, 1, 1)
    assert effect.recovery_s == pytest.approx(0.02)


def test_the_report_has_the_faults() -> None:
    history = replace(busy().history(), faults=(FAULT, replace(FAULT, begun=1.5, ended=1.6)))
    text = report.text(history, measure(history), Verdict())
    assert "  PostgreSQL killed      2     2 " in text
    assert "  at    0.500 s for  0.500 s  PostgreSQL killed    met 1 times\n" in text
    assert all(len(line) <= 80 for line in text.splitlines())
    data = export.report(history, measure(history), Verdict())
    assert [fault["begun"] for fault in data["faults"]] == [0.5, 1.5]
    assert data["effects"]["PostgreSQL killed"]["refused"] == 0


def test_the_plots_over_time_have_a_line_for_each() -> None:
    history = busy().history()
    plain, marked = (plots.draw(each, measure(each)) for each in (history, replace(history, faults=(FAULT,))))
    changed = [after.title for before, after in zip(plain, marked, strict=True) if before.svg != after.svg]
    assert changed == ["Throughput and outcomes", "Latency over time", "Retries over time"]
    assert ["dotted line" in plot.caption for plot in marked] == [True, True, True, False, False, False]
