"""A bank's storm by processes of its own, on a Lambda of a few lines."""

import os
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from pytest_dsql.link.keys import SigningKeys
from pytest_dsql.link.state import runs
from pytest_dsql.storm.rate.steps import StepFailed, Steps
from pytest_dsql.storm.run.conductor import Conductor
from pytest_dsql.storm.run.driver import config
from pytest_dsql.storm.run.play import NotPlayed, play
from pytest_dsql.storm.workers.act import Act
from tests.unit.storm.fake_stage import LOAD, FakeStage
from tests.unit.storm.lambda_endpoint import KEYS, REGION


@dataclass
class Reached:
    """An account as a process of its own has it: an endpoint's address. It leaves word of each process."""

    url: str
    folder: Path
    region: str = REGION

    def client(self, _service: str, _config: Any) -> Any:
        return boto3.Session(*KEYS[:2], region_name=REGION).client("lambda", endpoint_url=self.url, config=config())

    @property
    def invoke_url(self) -> str:
        (self.folder / f"pid{os.getpid()}").touch()
        return self.url

    def credentials(self) -> SigningKeys:
        return KEYS


class Doomed(Reached):
    """Kills the second half of its processes when they have made some calls."""

    asked = 0

    def credentials(self) -> SigningKeys:
        self.asked += 1
        if self.asked > LOAD.parallel and len([*self.folder.glob("pid*")]) > 1:
            with suppress(FileExistsError):
                (self.folder / "killed").touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)
        return super().credentials()


class Closed(Reached):
    """Cannot be reached."""

    def client(self, _service: str, _config: Any) -> Any:
        raise PermissionError("this account is closed")


class Stalled(Reached):
    """Makes some calls, and no more."""

    asked = 0

    def credentials(self) -> SigningKeys:
        self.asked += 1
        if self.asked > LOAD.parallel:
            signal.pause()
        return super().credentials()


class InterruptedOnce(threading.Event):
    """Whoever waits for it first is interrupted when a call is answered."""

    def __init__(self, act: Act) -> None:
        super().__init__()
        self._acts = [act]

    def wait(self, timeout: float | None = None) -> bool:
        if self._acts:
            assert self._acts.pop().reach(1)
            raise KeyboardInterrupt
        return super().wait(timeout)


def left(folder: Path) -> list[int]:
    """Return the processes that still run, of those that left word."""
    pids = [int(path.name[3:]) for path in folder.glob("pid*")]
    assert pids
    return [pid for pid in pids if runs(pid)]


def test_processes_make_the_plan_together_and_are_gone(stage: FakeStage, conducted: Conductor, tmp_path: Path) -> None:
    result = play(Reached(stage.endpoint.url, tmp_path), conducted, "quiet", LOAD, workers=2)
    assert result.verdict.findings == ()
    assert {call.worker for call in result.history.calls} == {"worker00", "worker01"}
    assert len(result.history.calls) == LOAD.calls
    assert left(tmp_path) == []


def test_a_process_that_is_killed_is_a_lost_worker_with_a_verdict(
    stage: FakeStage, conducted: Conductor, tmp_path: Path
) -> None:
    result = play(Doomed(stage.endpoint.url, tmp_path), conducted, "quiet", LOAD, workers=2)
    findings = {finding.name: finding.text for finding in result.verdict.findings}
    assert findings.keys() == {"missing_calls", "lost_worker"}
    assert "its last words: it has said nothing (status -9)" in findings["lost_worker"]
    assert left(tmp_path) == []


def test_a_process_that_cannot_begin_says_why(stage: FakeStage, conducted: Conductor, tmp_path: Path) -> None:
    with pytest.raises(NotPlayed, match=r"worker0\d ended before the first call: PermissionError: this account is cl"):
        play(Closed(stage.endpoint.url, tmp_path), conducted, "quiet", LOAD, workers=2)


def test_an_interrupt_leaves_a_verdict_and_nothing_running(
    stage: FakeStage, conducted: Conductor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = conducted.begin

    def begun(*asked: Any, **more: Any) -> Any:
        act = begin(*asked, **more)
        act.over = InterruptedOnce(act)
        return act

    monkeypatch.setattr(conducted, "begin", begun)
    with pytest.raises(KeyboardInterrupt):
        play(Stalled(stage.endpoint.url, tmp_path), conducted, "quiet", LOAD, workers=1)
    (result,) = conducted.results
    assert {finding.name for finding in result.verdict.findings} >= {"missing_calls", "broken_off"}
    assert left(tmp_path) == []


def test_one_storm_can_be_played_twice(stage: FakeStage, conducted: Conductor, tmp_path: Path) -> None:
    account = Reached(stage.endpoint.url, tmp_path)
    folders = [play(account, conducted, "quiet", LOAD, workers=1).folder.name for _ in range(2)]
    assert folders == ["quiet", "quiet-2"]


def test_a_search_goes_by_what_callers_waited(stage: FakeStage, conducted: Conductor, tmp_path: Path) -> None:
    steps = Steps(Reached(stage.endpoint.url, tmp_path), conducted, "quiet", LOAD, workers=1, seconds=2)
    *_, found = steps.run(limit_ms=0.001, start=1)
    assert [(step.rate, step.held) for step in found.steps] == [(1, False)]
    assert 0 < found.steps[0].p99_ms < 10_000


def test_money_that_is_gone_ends_a_search(
    stage: FakeStage, conducted: Conductor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "closing_balances", lambda: {**stage.balances, 1: 0})
    steps = Steps(Reached(stage.endpoint.url, tmp_path), conducted, "quiet", LOAD, workers=1, seconds=1)
    with pytest.raises(StepFailed, match="^the storm failed at 2 calls/s"):
        [*steps.run(limit_ms=500, start=2)]
