"""Storms of a search, played on a stand-in of its own; the record of one that fails is kept."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from infra.bundle import build
from infra.search.arena import Arena
from infra.search.search import Failure
from infra.search.shape import SmallStorm
from infra.stack import Stack
from infra.stand_in import LocalCloud
from pytest_dsql.link.folder import fresh
from pytest_dsql.storm.record.statistics import measure
from pytest_dsql.storm.report import text as report
from pytest_dsql.storm.run.conductor import Result
from pytest_dsql.storm.workers.rendezvous import Interrupted

NOT_PLAYED = "not_played"
SAID = "stand_in_complained"


@dataclass
class Player:
    """Plays storms; what the stand-in says on stderr is in ``log``, and fails the storm that had it say so."""

    arena: Arena
    log: Path
    code: Path | None = None
    _read: int = 0

    @classmethod
    @contextmanager
    def started(cls, folder: Path) -> Iterator[Self]:
        """Start a stand-in and play on it, with records below ``folder``; it ends with the block.

        What it has said stays there.
        """
        log = fresh(folder, "stand-in") / "log"
        with log.open("wb") as stderr, closing(LocalCloud.start(stderr=stderr)) as cloud:
            stack = Stack(cloud, f"storms-{uuid.uuid4().hex[:8]}")
            yield cls(Arena(stack, build(cloud.platform), folder), log)
        if not log.stat().st_size:
            shutil.rmtree(log.parent)

    def play(self, storm: SmallStorm) -> Failure | None:
        """Play a storm; return what was wrong with it. Raises what boto3 does where the stand-in is gone."""
        try:
            result = self.arena.play(storm.scenario, storm.load, storm.commit_ms / 1000, code=self.code)
        except Interrupted as error:
            self.arena.stack.exists()
            return self._not_played(storm, str(error))
        names = _found(result)
        if words := self._words():
            (result.folder / "stand-in.log").write_text(words)
            names |= {SAID}
        if not names:
            shutil.rmtree(result.folder)
            return None
        text = report.text(result.history, measure(result.history), result.verdict)
        (result.folder / "report.txt").write_text(f"{storm}\n\n{text}\n")
        return Failure(storm, frozenset(names), result.folder)

    def _not_played(self, storm: SmallStorm, why: str) -> Failure:
        record = fresh(self.arena.folder, "search")
        (record / "report.txt").write_text(f"{storm}\n\n{why}\n")
        return Failure(storm, frozenset({NOT_PLAYED}), record)

    def _words(self) -> str:
        """Return what the stand-in has said since the storm before."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            said = log.read()
        self._read += len(said)
        return said.decode(errors="replace")


def _found(result: Result) -> set[str]:
    """Return what was found, by name; one that was over before its first fault is no failure."""
    names = {finding.name for finding in result.verdict.findings}
    return names if result.history.faults else names - {"missing_faults"}
