"""Conducts a storm of anyone's transaction: set up, processes, their common start, what is read meanwhile."""

import os
import pickle
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from pytest_dsql.cluster import Cluster
from pytest_dsql.storm.own.history import Facts, History, read
from pytest_dsql.storm.own.load import OwnLoad
from pytest_dsql.storm.own.reader import Reader, expected_sums
from pytest_dsql.storm.own.worker import OwnPart
from pytest_dsql.storm.record.common import INTERRUPTED
from pytest_dsql.storm.record.journal import worker_name
from pytest_dsql.storm.report.text import Progress
from pytest_dsql.storm.workers.act import Absent, Act, NotEnded
from pytest_dsql.storm.workers.meeting import Meeting
from pytest_dsql.storm.workers.processes import Processes
from pytest_dsql.storm.workers.rendezvous import START_LIMIT_S
from pytest_dsql.storm.workload import Workload


class NotBegun(Exception):
    """The storm could not begin; the text says why."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a storm is: its cluster, a folder for its record where it is to be kept, and who watches."""

    cluster: Cluster
    folder: Path | None
    show: Callable[[Progress], None]


def conduct(workload: Workload, load: OwnLoad, scene: Scene) -> History:
    """Play a storm and return what was left; an interrupt, or a worker's end, only ends it. Raises NotBegun."""
    workload.set_up(scene.cluster)
    try:
        work = pickle.dumps(workload)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise NotBegun(f"the workload cannot be sent to a process: {error}") from None
    reader = Reader(scene.cluster, workload)
    if wrong := reader.wrong():
        raise NotBegun(f"before the first call {wrong}")
    act = Act(load.shares, load.calls, load.limit_s, watched=True)
    with Meeting(lambda _: act) as meeting:
        cluster, play = scene.cluster, _Play(act, load, scene, scene.folder or meeting.folder)
        part = OwnPart(meeting.where, 0, load, work, cluster.target, dict(cluster.environment))
        facts = play.run(workload, reader, part)
        facts["configuration"] = _configuration(workload, load, cluster)
        facts["sums"], facts["rules"] = expected_sums(workload), reader.rules()
        return read(play.folder, Facts(**facts))


class _Play:
    """One storm, from the start of its processes to their end."""

    def __init__(self, act: Act, load: OwnLoad, scene: Scene, folder: Path) -> None:
        self._act, self.load, self.scene, self.folder = act, load, scene, folder

    def run(self, workload: Workload, reader: Reader, part: OwnPart) -> dict[str, Any]:
        """Return what is known of it when it is over."""
        began, started = time.monotonic(), datetime.now(UTC)
        cluster = self.scene.cluster
        try:
            with Processes(self.folder, self._act.leave) as processes:
                for share in range(self.load.shares):
                    processes.start(share, replace(part, share=share))
                self._gather()
                before = _lost(cluster)
                trouble = self._follow(workload, reader) or reader.trouble
                self._act.end({"verdict": {}})
                processes.wait(0.0 if trouble else START_LIMIT_S)
            after = _lost(cluster)
        finally:
            self._act.end({"failed": "the storm is over"})
        return {
            "planned": self.load.calls,
            "workers": tuple(worker_name(share) for share in range(self.load.shares)),
            "lost": None if before is None or after is None else after - before,
            "trouble": trouble,
            "last_words": self._act.last_words(),
            "started": started.isoformat(timespec="seconds"),
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "wall_s": round(time.monotonic() - began, 3),
            "cores": os.cpu_count() or 1,
        }

    def _gather(self) -> None:
        try:
            self._act.wait_for_all(START_LIMIT_S)
        except (Absent, TimeoutError) as error:
            raise NotBegun(str(error)) from None

    def _follow(self, workload: Workload, reader: Reader) -> str | None:
        """Let all begin, and watch until they are done or gone; return why they are not, or what else was wrong."""
        origin = time.monotonic()
        try:
            with workload.during(self.scene.cluster), reader.reading(self.folder, origin):
                self._act.say({"go": {"origin": origin, "folder": str(self.folder)}})
                self._act.follow(origin, self.scene.show)
        except NotEnded as error:
            return f"{error} (limit_s)"
        except KeyboardInterrupt:
            return INTERRUPTED
        except pytest.fail.Exception as failed:  # a fault that was never met
            return str(failed)
        return None


def _configuration(workload: Workload, load: OwnLoad, cluster: Cluster) -> dict[str, Any]:
    return {
        "target": cluster.target,
        "workload": f"{type(workload).__module__}.{type(workload).__qualname__}",
        "seed": load.seed,
        "calls": f"{load.calls:,}",
        "parallel": load.parallel,
        "processes": load.shares,
        "python": platform.python_version(),
        "pytest-dsql": version("pytest-dsql"),
    }


def _lost(cluster: Cluster) -> int | None:
    """Return how many COMMITs have lost so far, None where nobody counts."""
    return cluster.commits.lost if cluster.target == "local" else None
