"""The conductor: waits for all workers, lets them begin at once, watches, and judges what they have left."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from pytest_dsql.link.folder import owned
from pytest_dsql.storm.record import record
from pytest_dsql.storm.record.model import Facts, History
from pytest_dsql.storm.record.record import Recorder, worker_name
from pytest_dsql.storm.record.statistics import percentile
from pytest_dsql.storm.record.verdict import Verdict
from pytest_dsql.storm.report import text as report
from pytest_dsql.storm.run.rendezvous import START_LIMIT_S, Line, Listener, Message
from pytest_dsql.storm.run.stage import Stage
from pytest_dsql.storm.transfers.checker import check
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.transfers.scenario import Scenario

LIVE_S: Final = 1.0
FUNCTION_LIMIT_S: Final = 30.0
"""The function's timeout: after an answer that did not come, it may run for so long."""
RECENT: Final = 5_000


@dataclass(frozen=True)
class Bounds:
    """Thresholds of the run; None where there is none."""

    max_p99_ms: float | None = None
    min_rate: float | None = None
    max_retries: int | None = None

    def apply(self, scenario: Scenario) -> Scenario:
        """Return a scenario that expects these besides."""
        bounds = {name: value for name, value in vars(self).items() if value is not None}
        return replace(scenario, expectations=replace(scenario.expectations, **bounds))


@dataclass
class Watch:
    """How far the workers are, together."""

    total: int
    tallies: dict[int, Message] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)

    def add(self, share: int, tally: Message) -> None:
        """Take note of a worker's own count."""
        self.latencies = (self.latencies + tally.pop("latencies"))[-RECENT:]
        self.tallies[share] = tally

    def progress(self, elapsed_s: float) -> report.Progress:
        """Return where the storm stands."""
        tallies = list(self.tallies.values())
        done = sum(tally["done"] for tally in tallies)
        outcomes = sum((Counter(tally["outcomes"]) for tally in tallies), Counter[str]())
        ordered = sorted(self.latencies)
        rate = done / elapsed_s if elapsed_s else 0.0
        return report.Progress(
            done,
            self.total,
            rate,
            outcomes["committed"],
            outcomes["refused"],
            outcomes["unknown"],
            sum(tally["retries"] for tally in tallies),
            percentile(ordered, 50) if ordered else None,
            percentile(ordered, 99) if ordered else None,
            (self.total - done) / rate if rate else None,
        )


@dataclass(frozen=True)
class Result:
    """A storm that was judged, and where its record is."""

    scenario: Scenario
    history: History
    verdict: Verdict
    folder: Path


class Act:
    """One storm, from the first worker's arrival to the verdict."""

    def __init__(self, scenario: Scenario, shares: int, load: Load) -> None:
        self.scenario, self.shares, self.load = scenario, shares, load
        self.lines: dict[int, Line] = {}
        self.ended: set[int] = set()
        self.finished: set[int] = set()
        self.watch = Watch(load.calls)
        self.changed = threading.Condition()
        self.arrived_at = time.monotonic()
        self.last_word: Message | None = None

    def attend(self, share: int, line: Line) -> None:
        """Follow a worker until it is done or gone, and all have been told how the storm ended."""
        with self.changed:
            self.lines[share] = line
            self.changed.notify_all()
            if self.last_word:
                line.say(self.last_word)
        try:
            self._follow(share, line)
        finally:
            with self.changed:
                self.ended.add(share)
                self.changed.notify_all()
                self.changed.wait_for(lambda: self.last_word, self.load.limit_s)

    def _follow(self, share: int, line: Line) -> None:
        while (message := line.hear()) is not None:
            if "done" in message:
                self.finished.add(share)
                return
            self.watch.add(share, message["progress"])

    def wait_for_all(self) -> None:
        """Wait for every worker to arrive; raise TimeoutError."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.lines) == self.shares, START_LIMIT_S):
                raise TimeoutError(f"{len(self.lines)} of {self.shares} workers came within {START_LIMIT_S:.0f} s")

    def wait_for_end(self, limit_s: float) -> bool:
        """Wait until every worker is done or gone, or for so long; return whether they are."""
        with self.changed:
            return self.changed.wait_for(lambda: len(self.ended) == self.shares, limit_s)

    @property
    def open_ended(self) -> bool:
        """Whether the function may still be at work for a call that nobody waits for."""
        return self.finished != self.ended or bool(self.watch.progress(0).unknown)

    def say(self, message: Message) -> None:
        """Tell all workers."""
        for line in self.lines.values():
            line.say(message)

    def end(self, message: Message) -> None:
        """Tell all workers how it ended, those too that come later."""
        with self.changed:
            self.last_word = message
            self.say(message)
            self.changed.notify_all()


class Screen(Protocol):
    """Where a person watches."""

    def begin(self, title: str) -> None:
        """Say that a storm begins."""

    def show(self, line: str) -> None:
        """Show how far it is."""


class Conductor:
    """Conducts the storms of a run.

    Records go below ``folder``; where there is none, they go with the run, also where that is killed.
    """

    def __init__(
        self,
        stage: Callable[[], Stage],
        scenarios: dict[str, Scenario],
        load: Load,
        folder: Path | None,
        screen: Screen,
    ) -> None:
        self._stage, self._scenarios, self._load, self._screen = stage, scenarios, load, screen
        self._acts: dict[str, Act] = {}
        self._lock = threading.Lock()
        self.results: list[Result] = []
        # A socket's path must be short, and whoever names the folder of the report need not know.
        self._leaving = ExitStack()
        meeting = self._leaving.enter_context(owned("storm-"))
        self.path, self._folder = meeting / "meet", folder or meeting
        self._listener = Listener(self.path, self._meet)

    def close(self) -> None:
        """Meet no more workers."""
        self._listener.close()
        self._leaving.close()

    def _meet(self, line: Line) -> None:
        try:
            message = line.hear(START_LIMIT_S)
            if message is not None:
                self._act(message).attend(message["arrived"], line)
        finally:
            line.close()

    def _act(self, message: Message) -> Act:
        """Return the storm that a worker has arrived for; the first worker begins it."""
        with self._lock:
            act = self._acts.get(message["scenario"])
            if act is None:
                act = self._acts[message["scenario"]] = self._begin(message)
            return act

    def _begin(self, message: Message) -> Act:
        scenario = self._scenarios[message["scenario"]]
        self._screen.begin(scenario.title)
        act = Act(scenario, message["of"], scenario.load(self._load))
        threading.Thread(target=self._conduct, args=(act,), name=f"storm-{scenario.name}", daemon=True).start()
        return act

    def _conduct(self, act: Act) -> None:
        try:
            result = self._play(act)
        except Exception as error:  # noqa: BLE001 - whatever it is, the workers wait to hear of it
            act.end({"failed": f"{type(error).__name__}: {error}"})
        else:
            self.results.append(result)
            findings = [str(finding) for finding in result.verdict.findings]
            act.end({"verdict": {"findings": findings, "folder": str(result.folder)}})

    def _play(self, act: Act) -> Result:
        folder = self._folder / act.scenario.name
        folder.mkdir()
        stage, load = self._stage(), act.load
        function = stage.set_up(act.scenario, load.accounts)
        act.wait_for_all()
        ready_s = time.monotonic() - act.arrived_at
        with stage.paced() as commits:
            started, origin = datetime.now(UTC), time.monotonic()
            act.say({"go": {"origin": origin, "folder": str(folder), "function": function, "seed": load.seed}})
            self._follow(act, stage, folder, origin)
        wall_s = time.monotonic() - origin
        if act.open_ended:
            time.sleep(FUNCTION_LIMIT_S)
        stage.tear_down()
        facts = Facts(
            planned=load.calls,
            accounts=load.accounts,
            opening=stage.opening,
            closing=stage.closing_balances(),
            workers=tuple(worker_name(share) for share in range(act.shares)),
            configuration={
                **self._configuration(act, load, stage),
                "commits": commits,
                "workers ready after": f"{ready_s:.1f} s",
            },
            cold_starts=stage.cold_starts(started.timestamp()),
            started=started.isoformat(timespec="seconds"),
            ended=datetime.now(UTC).isoformat(timespec="seconds"),
            wall_s=round(wall_s, 3),
            cores=os.cpu_count() or 1,
        )
        return self._judge(act.scenario, folder, facts)

    def _follow(self, act: Act, stage: Stage, folder: Path, origin: float) -> None:
        """Show how far it is, with a reader beside it, until all workers are done or gone."""
        over = threading.Event()
        with Recorder(folder, "reader") as recorder:
            reader = threading.Thread(
                target=stage.read, args=(recorder, origin, over), name="storm-reader", daemon=True
            )
            reader.start()
            try:
                while not act.wait_for_end(LIVE_S):
                    elapsed = time.monotonic() - origin
                    if elapsed > act.load.limit_s:
                        raise TimeoutError(f"the storm has not ended within {act.load.limit_s:,.0f} s")
                    self._screen.show(report.live_line(act.watch.progress(elapsed)))
            finally:
                over.set()
                reader.join(FUNCTION_LIMIT_S)

    def _configuration(self, act: Act, load: Load, stage: Stage) -> dict[str, Any]:
        return {
            "target": stage.target,
            "where": stage.describe(),
            "scenario": act.scenario.title,
            "seed": load.seed,
            "calls": load.calls,
            "parallel": load.parallel,
            "workers": act.shares,
            "accounts": load.accounts,
            "rate": load.rate,
            **stage.versions(),
        }

    def _judge(self, scenario: Scenario, folder: Path, facts: Facts) -> Result:
        record.save(folder, facts)
        history = record.read(folder, facts)
        return Result(scenario, history, check(history, scenario.expected(self._load)), folder)
