"""The conductor: waits for all workers, lets them begin at once, watches, and judges what they have left."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from pytest_dsql.link.folder import fresh, owned
from pytest_dsql.storm.record import record
from pytest_dsql.storm.record.common import INTERRUPTED
from pytest_dsql.storm.record.journal import worker_name
from pytest_dsql.storm.record.model import Facts, History
from pytest_dsql.storm.record.record import Recorder
from pytest_dsql.storm.record.statistics import share
from pytest_dsql.storm.record.verdict import Verdict
from pytest_dsql.storm.report import text as report
from pytest_dsql.storm.run.act import Act
from pytest_dsql.storm.run.disturbance import Disturbance
from pytest_dsql.storm.run.rendezvous import START_LIMIT_S, Line, Listener, Message
from pytest_dsql.storm.run.stage import Stage
from pytest_dsql.storm.transfers.checker import check
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.transfers.scenario import Scenario

LIVE_S: Final = 1.0
INTERRUPT_LIMIT_S: Final = 20.0
"""How long a storm that is broken off may take to be judged."""
FUNCTION_LIMIT_S: Final = 30.0
"""The function's timeout: after an answer that did not come, it may run for so long."""


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


@dataclass(frozen=True)
class Result:
    """A storm that was judged, and where its record is."""

    scenario: Scenario
    history: History
    verdict: Verdict
    folder: Path

    @property
    def conflicts(self) -> float:
        """What share of the calls met a conflict."""
        return share(sum(call.met_conflict for call in self.history.calls), len(self.history.calls))


class Playing(Act):
    """One storm, and what it is."""

    def __init__(self, scenario: Scenario, shares: int, load: Load) -> None:
        super().__init__(shares, load.calls, load.limit_s)
        self.scenario, self.load = scenario, load
        self.over = threading.Event()


class Screen(Protocol):
    """Where a person watches."""

    def begin(self, title: str) -> None:
        """Say that a storm begins."""

    def show(self, line: str) -> None:
        """Show how far it is."""


class Conductor:
    """Conducts the storms of a run.

    Records go below ``folder``; where there is none, they go with the run, also where that is killed. ``again`` is the
    command that plays the same, for the report. After an answer that did not come a function may run for so long.
    """

    def __init__(  # noqa: PLR0913 - one for each thing that a run decides
        self,
        stage: Callable[[], Stage],
        scenarios: dict[str, Scenario],
        load: Load,
        folder: Path | None,
        screen: Screen,
        *,
        again: str | None = None,
        function_limit_s: float = FUNCTION_LIMIT_S,
    ) -> None:
        self._stage, self._scenarios, self._load, self._screen = stage, scenarios, load, screen
        self._again, self._function_limit_s = again, function_limit_s
        self._acts: dict[str, Playing] = {}
        self._lock = threading.Lock()
        self._interrupted = threading.Event()
        self.results: list[Result] = []
        # A socket's path must be short, and whoever names the folder of the report need not know.
        self._leaving = ExitStack()
        meeting = self._leaving.enter_context(owned("storm-"))
        self.path, self._folder = meeting / "meet", folder or meeting
        self._listener = Listener(self.path, self._meet)

    def interrupt(self) -> None:
        """Break off what is played, and wait until what there is of it is judged; its workers are gone, or will be."""
        self._interrupted.set()
        with self._lock:
            acts = list(self._acts.values())
        for act in acts:
            act.over.wait(INTERRUPT_LIMIT_S)

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

    def _act(self, message: Message) -> Playing:
        """Return the storm that a worker has arrived for; the first worker begins it."""
        with self._lock:
            act = self._acts.get(message["scenario"])
            if act is None:
                act = self._acts[message["scenario"]] = self._begin(message)
            return act

    def _begin(self, message: Message) -> Playing:
        scenario = self._scenarios[message["scenario"]]
        self._screen.begin(scenario.title)
        act = Playing(scenario, message["of"], scenario.load(self._load))
        threading.Thread(target=self._conduct, args=(act,), name=f"storm-{scenario.name}", daemon=True).start()
        return act

    def _conduct(self, act: Playing) -> None:
        try:
            result = self._play(act)
        except Exception as error:  # noqa: BLE001 - whatever it is, the workers wait to hear of it
            act.end({"failed": f"{type(error).__name__}: {error}"})
        else:
            self.results.append(result)
            findings = [str(finding) for finding in result.verdict.findings]
            act.end({"verdict": {"findings": findings, "folder": str(result.folder)}})
        finally:
            act.over.set()

    def _play(self, act: Playing) -> Result:
        folder = fresh(self._folder, act.scenario.name)
        stage, load = self._stage(), act.load
        function = stage.set_up(act.scenario, load.accounts)
        act.wait_for_all(START_LIMIT_S)
        ready_s = time.monotonic() - act.arrived_at
        before = stage.conflicts()
        with stage.paced() as commits:
            started, origin = datetime.now(UTC), time.monotonic()
            act.say({"go": {"origin": origin, "folder": str(folder), "function": function, "seed": load.seed}})
            self._follow(act, stage, folder, origin)
        wall_s = time.monotonic() - origin
        if act.open_ended:
            self._interrupted.wait(self._function_limit_s)
        left_open = stage.left_open()
        stage.tear_down()
        facts = Facts(
            planned=load.calls,
            accounts=load.accounts,
            opening=stage.opening,
            closing=stage.closing_balances(),
            receipts=stage.receipts() if load.once else None,
            faults=load.faults,
            left_open=left_open,
            history=stage.history(),
            conflicts=_since(before, stage.conflicts()),
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
            trouble=INTERRUPTED if self._interrupted.is_set() else None,
        )
        return self._judge(act.scenario, folder, facts)

    def _follow(self, act: Playing, stage: Stage, folder: Path, origin: float) -> None:
        """Show how far it is, with a reader and faults beside it, until all workers are done or gone."""
        over = threading.Event()
        with Recorder(folder, "reader") as recorder:
            faults = Disturbance(stage, recorder, origin)
            beside = [
                threading.Thread(target=stage.read, args=(recorder, origin, over), name="storm-reader", daemon=True),
                threading.Thread(target=faults.run, args=(act, act.load, over), name="storm-faults", daemon=True),
            ]
            for each in beside:
                each.start()
            try:
                while not act.wait_for_end(LIVE_S):
                    elapsed = time.monotonic() - origin
                    if elapsed > act.load.limit_s:
                        raise TimeoutError(f"the storm has not ended within {act.load.limit_s:,.0f} s")
                    self._screen.show(report.live_line(act.watch.progress(elapsed)))
            finally:
                over.set()
                for each in beside:
                    each.join(FUNCTION_LIMIT_S)

    def _configuration(self, act: Playing, load: Load, stage: Stage) -> dict[str, Any]:
        return {
            "target": stage.target,
            "where": stage.describe(),
            "scenario": act.scenario.title,
            "seed": load.seed,
            "calls": load.calls,
            "parallel": load.parallel,
            "workers": act.shares,
            "accounts": load.accounts,
            "attempts": f"at most {act.scenario.attempts} of a transaction",
            **({"rate": f"{load.rate:g} calls/s, each at its own moment"} if load.rate else {}),
            **({"faults": load.faults} if load.faults else {}),
            **({"exactly once": "each call has an id, and may be sent again"} if load.once else {}),
            **stage.settings(),
            **({"again": self._again} if self._again else {}),
        }

    def _judge(self, scenario: Scenario, folder: Path, facts: Facts) -> Result:
        record.save(folder, facts)
        history = record.read(folder, facts)
        before = {result.scenario.name: result.conflicts for result in self.results}
        return Result(scenario, history, check(history, scenario.expected(self._load, before)), folder)


def _since(before: Mapping[str, int] | None, after: Mapping[str, int] | None) -> Mapping[str, int] | None:
    return None if before is None or after is None else dict(Counter(after) - Counter(before))
