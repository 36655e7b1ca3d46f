"""The conductor: waits for all workers, lets them begin at once, watches, and judges what they have left."""

import os
import threading
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol, Self

from pytest_dsql.link.folder import fresh
from pytest_dsql.storm.record import record
from pytest_dsql.storm.record.common import INTERRUPTED
from pytest_dsql.storm.record.journal import File, worker_name
from pytest_dsql.storm.record.model import Facts, History
from pytest_dsql.storm.record.record import Recorder
from pytest_dsql.storm.record.statistics import Statistics, measure, share
from pytest_dsql.storm.record.verdict import Verdict
from pytest_dsql.storm.report import text as report
from pytest_dsql.storm.run.disturbance import StageFaults
from pytest_dsql.storm.run.stage import Stage
from pytest_dsql.storm.transfers.checker import check
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.transfers.scenario import Scenario
from pytest_dsql.storm.workers.act import Act
from pytest_dsql.storm.workers.door import Door
from pytest_dsql.storm.workers.meeting import Meeting
from pytest_dsql.storm.workers.rendezvous import START_LIMIT_S, Message

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

    @classmethod
    def of(cls, options: Namespace) -> Self:
        """Return what a command line says."""
        return cls(options.max_p99, options.min_rate, options.max_retries)

    def named(self, scenarios: Iterable[Scenario]) -> dict[str, Scenario]:
        """Return scenarios by their names, each with these besides."""
        return {each.name: self.apply(each) for each in scenarios}

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

    @cached_property
    def statistics(self) -> Statistics:
        """The figures."""
        return measure(self.history)

    @property
    def conflicts(self) -> float:
        """What share of the calls met a conflict."""
        return share(self.statistics.conflicts, self.statistics.calls)


class Playing(Act):
    """One storm: what it is, where its record goes, and, when it is over, its result or why there is none."""

    def __init__(self, scenario: Scenario, shares: int, asked: Load, folder: Path, *, watched: bool) -> None:
        self.scenario, self.asked, self.load = scenario, asked, scenario.load(asked)
        self.folder = folder
        super().__init__(shares, self.load.calls, self.load.limit_s, watched=watched, keep=self._file)
        self.over = threading.Event()
        self.result: Result | None = None
        self.failure: str | None = None

    def _file(self, share: int) -> File:
        return File(self.folder, worker_name(share))


class Display(Protocol):
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
        screen: Display,
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
        self._meeting = Meeting(self._act)
        self.where, self._folder = self._meeting.where, folder or self._meeting.folder

    def interrupt(self, end: Callable[[], None] = lambda: None) -> None:
        """Break off what is played, and wait until what there is of it is judged; ``end`` ends its workers.

        Without it they are gone, or will be.
        """
        self._interrupted.set()
        end()
        with self._lock:
            acts = list(self._acts.values())
        for act in acts:
            act.over.wait(INTERRUPT_LIMIT_S)

    def close(self) -> None:
        """Meet no more workers."""
        self._meeting.close()

    def open_door(self, host: str, port: int = 0) -> Door:
        """Let workers come from other machines; return how they find this one. Raises OSError."""
        return self._meeting.open_door(host, port)

    def begin(self, name: str, shares: int, load: Load | None = None, *, watched: bool = False) -> Playing:
        """Begin the storm of a scenario, by the run's load unless another is given; its workers are to arrive.

        Whoever watches their processes tells ``leave`` of what it returns.
        """
        with self._lock:
            return self._begin(name, shares, load, watched=watched)

    def _act(self, message: Message) -> Playing:
        """Return the storm that a worker has arrived for; where nobody has begun it, the first worker does."""
        name = message["scenario"]
        with self._lock:
            return self._acts.get(name) or self._begin(name, message["of"], None, watched=False)

    def _begin(self, name: str, shares: int, load: Load | None, *, watched: bool) -> Playing:
        scenario = self._scenarios[name]
        self._screen.begin(scenario.title)
        act = Playing(scenario, shares, load or self._load, fresh(self._folder, name), watched=watched)
        self._acts[name] = act
        threading.Thread(target=self._conduct, args=(act,), name=f"storm-{name}", daemon=True).start()
        return act

    def _conduct(self, act: Playing) -> None:
        try:
            result = self._play(act)
        except Exception as error:  # noqa: BLE001 - whatever it is, the workers wait to hear of it
            act.failure = f"{type(error).__name__}: {error}"
            act.end({"failed": act.failure})
        else:
            act.result = result
            self.results.append(result)
            findings = [str(finding) for finding in result.verdict.findings]
            act.end({"verdict": {"findings": findings, "folder": str(result.folder)}})
        finally:
            act.over.set()

    def _play(self, act: Playing) -> Result:
        stage, load, folder = self._stage(), act.load, act.folder
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
                **({"clocks": clocks} if (clocks := act.clocks()) else {}),
            },
            cold_starts=stage.cold_starts(started.timestamp()),
            started=started.isoformat(timespec="seconds"),
            ended=datetime.now(UTC).isoformat(timespec="seconds"),
            wall_s=round(wall_s, 3),
            cores=os.cpu_count() or 1,
            last_words=act.last_words(),
            trouble=INTERRUPTED if self._interrupted.is_set() else None,
        )
        return self._judge(act, facts)

    def _follow(self, act: Playing, stage: Stage, folder: Path, origin: float) -> None:
        """Show how far it is, with a reader and faults beside it, until all workers are done or gone."""
        over = threading.Event()
        with Recorder(folder, "reader") as recorder:
            faults = StageFaults(stage, recorder, origin)
            beside = [
                threading.Thread(target=stage.read, args=(recorder, origin, over), name="storm-reader", daemon=True),
                threading.Thread(target=faults.run, args=(act, act.load, over), name="storm-faults", daemon=True),
            ]
            for each in beside:
                each.start()
            try:
                act.follow(origin, lambda progress: self._screen.show(report.live_line(progress)))
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

    def _judge(self, act: Playing, facts: Facts) -> Result:
        scenario, folder = act.scenario, act.folder
        record.save(folder, facts)
        history = record.read(folder, facts)
        before = {result.scenario.name: result.conflicts for result in self.results}
        return Result(scenario, history, check(history, scenario.expected(act.asked, before)), folder)


def _since(before: Mapping[str, int] | None, after: Mapping[str, int] | None) -> Mapping[str, int] | None:
    return None if before is None or after is None else dict(Counter(after) - Counter(before))
