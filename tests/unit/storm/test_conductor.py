import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from infra.stack import StackError
from pytest_dsql.storm.record.journal import worker_name
from pytest_dsql.storm.record.record import Recorder
from pytest_dsql.storm.record.verdict import Expectations
from pytest_dsql.storm.run import conductor
from pytest_dsql.storm.run.conductor import Bounds, Conductor
from pytest_dsql.storm.transfers import plan
from pytest_dsql.storm.workers import act, rendezvous
from pytest_dsql.storm.workers.act import Absent, Act
from pytest_dsql.storm.workers.rendezvous import Attendance, Interrupted, Message
from pytest_dsql.storm.workers.watch import RECENT, Watch
from tests.unit.storm.fake_stage import LIMIT_S, LOAD, FakeStage, conduct, scenario

QUIET: Message = {"done": 0, "retries": 0, "outcomes": {}, "latencies": []}

Attend = Callable[..., Future[Message]]
Lines = SimpleQueue[str]


@pytest.fixture
def lines() -> Lines:
    """What a person is shown."""
    return SimpleQueue()


@pytest.fixture
def conducted(stage: FakeStage, lines: Lines, tmp_path: Path) -> Iterator[Conductor]:
    """A conductor of two storms, ``quiet`` and ``second``."""
    conducted = conduct(stage, tmp_path, scenario(), scenario("second"), tell=lines.put)
    yield conducted
    conducted.close()


@pytest.fixture
def attend(conducted: Conductor) -> Iterator[Attend]:
    """Have a worker attend in a thread of its own; it does ``part`` between go and done."""
    with ThreadPoolExecutor(4) as threads:

        def attend(share: int, shares: int = 2, name: str = "quiet", **more: Any) -> Future[Message]:
            return threads.submit(work, conducted.where, share, shares, name, **more)

        yield attend


def work(
    where: str,
    share: int,
    shares: int,
    name: str,
    *,
    part: Callable[[Message], object] = lambda _: None,
    progress: Callable[[], Message] = QUIET.copy,
) -> Message:
    """Attend a storm; leave a record with no calls in it."""
    with Attendance(where, progress) as attendance:
        told = attendance.arrive(name, share, shares)
        with Recorder(Path(told["folder"]), worker_name(share)):
            part(told)
        return attendance.finish()


def test_nobody_begins_before_all_are_there(attend: Attend, stage: FakeStage) -> None:
    begun = threading.Event()
    first = attend(0, part=lambda _: begun.set())
    assert stage.is_set.wait(LIMIT_S)
    assert not begun.wait(0.05)
    attend(1).result(LIMIT_S)
    first.result(LIMIT_S)
    assert begun.is_set()


def test_all_begin_with_the_same_words(attend: Attend, tmp_path: Path) -> None:
    told: list[Message] = []
    for future in [attend(share, part=told.append) for share in range(2)]:
        future.result(LIMIT_S)
    assert told[0] == told[1]
    assert 0 <= time.monotonic() - told[0].pop("origin") < LIMIT_S
    assert told[0] == {"folder": str(tmp_path / "quiet"), "function": "transfer", "seed": LOAD.seed}


def test_all_are_told_the_verdict(attend: Attend, conducted: Conductor) -> None:
    verdicts = [future.result(LIMIT_S) for future in [attend(share) for share in range(2)]]
    (result,) = conducted.results
    assert (
        verdicts[0]
        == verdicts[1]
        == {
            "findings": [str(finding) for finding in result.verdict.findings],
            "folder": str(result.folder),
        }
    )
    assert [finding.name for finding in result.verdict.findings] == ["missing_calls"]
    assert result.history.facts.workers == ("worker00", "worker01")
    assert result.history.facts.configuration["seed"] == LOAD.seed
    assert result.history.facts.cold_starts == 3
    assert [(reading.count, reading.total) for reading in result.history.readings] == [(10, 1_000)]
    assert {path.name for path in result.folder.iterdir()} == {
        "facts.json", "reader.jsonl", "worker00.jsonl", "worker01.jsonl",
    }  # fmt: skip


def test_the_money_is_counted_after_the_storm(attend: Attend, stage: FakeStage) -> None:
    attend(0, 1, part=lambda _: stage.events.append("begun")).result(LIMIT_S)
    assert stage.events == ["set up for quiet", "paced", "begun", "unpaced", "torn down", "balances read"]


def test_what_lost_while_it_ran_is_counted(attend: Attend, stage: FakeStage, conducted: Conductor) -> None:
    stage.lost.update(OC000=5)
    attend(0, 1, part=lambda _: stage.lost.update(OC000=2, OC001=1)).result(LIMIT_S)
    assert conducted.results[0].history.facts.conflicts == {"OC000": 2, "OC001": 1}


def test_a_worker_whose_process_ends_before_it_comes_is_not_waited_for() -> None:
    storm = Act(shares=2, calls=1, limit_s=LIMIT_S)
    storm.leave(1, "no such module (status 1)")
    with pytest.raises(Absent, match="^worker01 ended before the first call: no such module"):
        storm.wait_for_all(LIMIT_S)


def test_one_storm_after_the_other(attend: Attend, conducted: Conductor) -> None:
    for name in ("quiet", "second"):
        for future in [attend(share, name=name) for share in range(2)]:
            future.result(LIMIT_S)
    assert [result.scenario.name for result in conducted.results] == ["quiet", "second"]


def test_progress_is_shown(attend: Attend, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(act, "LIVE_S", 0.01)
    monkeypatch.setattr(rendezvous, "TELL_S", 0.01)
    half = {"done": 20, "retries": 2, "outcomes": {"committed": 19, "refused": 1}, "latencies": [5.0]}
    shown: list[str] = []

    def part(_: Message) -> None:
        while not shown or not shown[-1].startswith("20/40"):
            shown.append(lines.get(timeout=LIMIT_S))

    attend(0, 1, part=part, progress=half.copy).result(LIMIT_S)
    assert shown[0] == "a quiet storm"
    assert "19 ok  1 refused  0 unknown  2 retries  p50/p99 5/5 ms" in shown[-1]


@pytest.fixture
def naps(conducted: Conductor, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the conductor waited for what nobody can tell it; no time passes."""
    naps: list[float] = []
    monkeypatch.setattr(conducted._interrupted, "wait", naps.append)
    return naps


def test_a_worker_that_is_gone_is_lost_and_the_others_hear_the_verdict(attend: Attend, naps: list[float]) -> None:
    def die(_: Message) -> None:
        raise KeyError

    gone, left = attend(1, part=die), attend(0)
    findings = left.result(LIMIT_S)["findings"]
    assert [finding.partition(":")[0] for finding in findings] == ["missing_calls", "lost_worker"]
    assert "worker01" in findings[1]
    assert isinstance(gone.exception(LIMIT_S), KeyError)
    assert naps == [conductor.FUNCTION_LIMIT_S], "its last calls may still be made"


def test_what_is_interrupted_is_judged_as_far_as_it_came(attend: Attend, conducted: Conductor) -> None:
    begun = threading.Event()

    def die(_: Message) -> None:
        begun.set()
        raise KeyboardInterrupt

    gone = attend(0, 1, part=die)
    assert begun.wait(LIMIT_S)
    conducted.interrupt()
    (result,) = conducted.results
    assert [finding.name for finding in result.verdict.findings] == ["missing_calls", "broken_off"]
    assert isinstance(gone.exception(LIMIT_S), KeyboardInterrupt)


def test_the_same_storm_again_has_a_folder_of_its_own(stage: FakeStage, tmp_path: Path) -> None:
    for name in ("quiet", "quiet-2"):
        conducted = conduct(stage, tmp_path)
        with contextlib.closing(conducted):
            work(conducted.where, 0, 1, "quiet")
            assert conducted.results[0].folder.name == name


@pytest.mark.parametrize(("outcome", "waits"), [("unknown", 1), ("committed", 0)])
def test_a_function_that_nobody_waits_for_is_given_its_time(
    attend: Attend, naps: list[float], outcome: str, waits: int
) -> None:
    tally = {"done": 1, "retries": 0, "outcomes": {outcome: 1}, "latencies": []}
    attend(0, 1, progress=tally.copy).result(LIMIT_S)
    assert naps == [conductor.FUNCTION_LIMIT_S] * waits


def test_a_worker_that_never_comes_is_not_waited_for_for_ever(attend: Attend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conductor, "START_LIMIT_S", 0.05)
    with pytest.raises(Interrupted, match="TimeoutError: 1 of 2 workers came within"):
        attend(0).result(LIMIT_S)


def test_a_stage_that_fails_is_told_to_all(attend: Attend, stage: FakeStage, conducted: Conductor) -> None:
    stage.broken = StackError("no stack")
    early = attend(0)
    with pytest.raises(Interrupted, match="^StackError: no stack$"):
        early.result(LIMIT_S)
    with pytest.raises(Interrupted, match="^StackError: no stack$"):
        attend(1).result(LIMIT_S)
    assert conducted.results == []


def test_the_socket_goes_with_the_conductor(stage: FakeStage, tmp_path: Path) -> None:
    conduct(stage, tmp_path).close()
    assert list(tmp_path.iterdir()) == []
    conduct(stage, tmp_path).close()


def test_the_watch_adds_workers_up() -> None:
    watch = Watch(100)
    for share in range(2):
        watch.add(share, {"done": 1, "retries": 0, "outcomes": {}, "latencies": [1.0]})
        watch.add(share, {"done": 10, "retries": 3, "outcomes": {"committed": 9, "unknown": 1}, "latencies": [3.0]})
    progress = watch.progress(elapsed_s=2.0)
    assert (progress.done, progress.total, progress.rate, progress.remaining_s) == (20, 100, 10.0, 8.0)
    assert (progress.committed, progress.refused, progress.unknown, progress.retries) == (18, 0, 2, 6)
    assert watch.latencies == [1.0, 3.0, 1.0, 3.0]


def test_the_watch_keeps_the_latest_latencies() -> None:
    watch = Watch(100)
    for latency in (1.0, 2.0):
        watch.add(0, {"done": 1, "retries": 0, "outcomes": {}, "latencies": [latency] * RECENT})
    assert watch.latencies == [2.0] * RECENT


def test_before_any_time_has_passed_there_is_no_rate() -> None:
    watch = Watch(100)
    watch.add(0, {"done": 1, "retries": 0, "outcomes": {}, "latencies": []})
    assert (watch.progress(0).rate, watch.progress(0).remaining_s) == (0.0, None)


def test_a_storm_that_does_not_end_is_ended(attend: Attend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(act, "LIVE_S", 0.01)
    monkeypatch.setattr(plan, "PATIENCE_S", 0.0)
    monkeypatch.setattr(plan, "SLOWEST", LOAD.calls / 0.05)
    with pytest.raises(Interrupted, match="NotEnded: it has not ended within"):
        attend(0, 1, part=lambda _: time.sleep(0.2)).result(LIMIT_S)


def test_bounds_are_expected_besides() -> None:
    plain = scenario()
    assert Bounds().apply(plain) == plain
    bounded = Bounds(max_p99_ms=50.0, max_retries=3).apply(plain).expectations
    assert (bounded.max_p99_ms, bounded.min_rate, bounded.max_retries) == (50.0, None, 3)
    assert bounded.refusals == plain.expectations.refusals
    own = replace(plain, expectations=Expectations(max_p99_ms=20.0))
    assert Bounds(max_retries=3).apply(own).expectations == Expectations(max_p99_ms=20.0, max_retries=3)


def test_an_open_loop_need_not_show_a_conflict() -> None:
    shows = replace(scenario(), expectations=Expectations(must_conflict=True))
    assert shows.expected(LOAD) == shows.expectations
    assert shows.expected(replace(LOAD, rate=100.0)) == Expectations(must_conflict=False)
