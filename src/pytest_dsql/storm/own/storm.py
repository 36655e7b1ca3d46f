"""What the fixture gives to a test: it storms a workload, and fails the test where anything was found."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_dsql.cluster import Cluster
from pytest_dsql.link.folder import fresh
from pytest_dsql.storm.own.conductor import NotBegun, Scene, conduct
from pytest_dsql.storm.own.history import History
from pytest_dsql.storm.own.judge import Allowed, judge
from pytest_dsql.storm.own.load import OutOfRange, OwnLoad
from pytest_dsql.storm.own.report import StormReport
from pytest_dsql.storm.report.revision import revision
from pytest_dsql.storm.report.text import Progress
from pytest_dsql.storm.workers.shares import cores
from pytest_dsql.storm.workload import Workload


@dataclass(frozen=True, slots=True)
class Run:
    """What the run of pytest knows: how it is called, what it says in a test's place, where reports go, who watches."""

    command: str
    root: Path
    numbers: Mapping[str, int]
    """``calls``, ``parallel``, ``seed``, where the run says them."""
    reports: Path | None
    show: Callable[[Progress], None]
    tell: Callable[[StormReport], None]
    """Is told of each storm that was judged."""


class Storm:
    """Storms workloads on a test's cluster."""

    def __init__(self, cluster: Cluster, name: str, run: Run) -> None:
        self._cluster, self._name, self._run = cluster, name, run

    def __call__(
        self,
        workload: Workload,
        *,
        calls: int = 1_000,
        parallel: int = 50,
        seed: int | None = None,
        must_conflict: bool = True,
        **more: Any,
    ) -> StormReport:
        """Make ``calls`` calls, ``parallel`` at a time; fail the test with a report where anything was found.

        Where no ``seed`` is given one is drawn, and told. ``must_conflict=False`` lets a storm pass in which nothing
        conflicted. ``processes``, as many as there are cores, make the calls; after ``limit_s`` (300) they are ended.
        """
        report, wrong = None, ""
        try:
            load = self._load(calls=calls, parallel=parallel, seed=seed, **more)
            report = self._play(workload, load, must_conflict=must_conflict)
        except (OutOfRange, NotBegun) as error:
            wrong = f"the storm has not begun: {error}"
        if report and report.verdict.passed:
            return report
        pytest.fail(report.text if report else wrong, pytrace=False)

    def _play(self, workload: Workload, load: OwnLoad, *, must_conflict: bool) -> StormReport:
        folder = self._folder()
        history = conduct(workload, load, Scene(self._cluster, folder, self._run.show))
        verdict = judge(history, Allowed(workload.refusals, must_conflict), _own(workload, history))
        report = StormReport(history, verdict, self._repeat(load))
        if folder:
            report.write(folder)
        self._run.tell(report)
        if report.interrupted:
            raise KeyboardInterrupt
        return report

    def _load(self, **asked: Any) -> OwnLoad:
        numbers = {"processes": cores(), "seed": None, **asked, **self._run.numbers}
        if numbers["seed"] is None:
            numbers["seed"] = random.randrange(2**32)  # noqa: S311 - to be repeated, not to be secret
        return OwnLoad(**numbers)

    def _folder(self) -> Path | None:
        """Return a new folder for this storm, None where nobody wants to keep its record."""
        if self._run.reports is None:
            return None
        name = "".join(letter if letter.isalnum() or letter in "_-" else "-" for letter in self._name)
        return fresh(self._run.reports, name)

    def _repeat(self, load: OwnLoad) -> str:
        numbers = " ".join(f"--dsql-storm-{name}={getattr(load, name)}" for name in ("seed", "calls", "parallel"))
        return f"seed {load.seed}, {revision(self._run.root)}, again: {self._run.command} {numbers}"


def _own(workload: Workload, history: History) -> Iterable[str]:
    """Return what the workload's own check finds, or that it could not be made."""
    try:
        return [*workload.check(history)]
    except Exception as error:  # noqa: BLE001 - what there is besides is told all the same
        return [f"the workload's check could not be made: {type(error).__name__}: {error}"]
