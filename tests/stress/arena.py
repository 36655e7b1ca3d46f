"""A stack of its own on which small storms are played, conductor and worker in one process; something is done to it."""

import threading
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest

from infra import database
from infra.bank import Bank
from infra.cloud import Cloud
from infra.stack import Stack
from infra.stand_in import LocalCloud
from pytest_dsql.link.handle import Handle
from pytest_dsql.storm.record.verdict import Expectations
from pytest_dsql.storm.run import conductor
from pytest_dsql.storm.run.conductor import Conductor, Result
from pytest_dsql.storm.run.worker import Worker, take_part
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.transfers.scenario import COMMITS, Scenario

LOAD: Final = Load(calls=300, parallel=16, accounts=100, seed=401)
WARM_UP: Final = 8
COMMIT_S: Final = 0.01
"""How long a COMMIT takes, so that transfers meet."""

NOBODY: Final = SimpleNamespace(begin=lambda _: None, show=lambda _: None)
"""Watches."""

Rival = Callable[[str, Scenario], None]
"""Makes the second half of the calls; is told where the conductor is."""


@dataclass(frozen=True)
class Arena:
    """A stack of these tests' own, on which storms are played, conductor and worker in this process."""

    cloud: Cloud
    stack: Stack
    code: Path
    folder: Path

    def storm(
        self,
        expectations: Expectations = COMMITS,
        load: Load = LOAD,
        *,
        code: Path | None = None,
        rival: Rival | None = None,
    ) -> Result:
        """Play one; ``code`` is in place of the function's own zip."""
        scenario = Scenario("sabotage", "a small storm", expectations)
        folder = self.folder / uuid.uuid4().hex[:8]
        folder.mkdir()
        stage = Bank(self.stack, code or self.code, WARM_UP, COMMIT_S)
        with closing(Conductor(lambda: stage, {scenario.name: scenario}, load, folder, NOBODY)) as conductor:
            where = conductor.where
            if rival is not None:
                threading.Thread(target=rival, args=(where, scenario), daemon=True).start()
            take_part(self.cloud, Worker(where, 0, 1 if rival is None else 2), scenario, load)
            (result,) = conductor.results
            return result

    def sabotaged(self, module: str, old: str, new: str) -> Path:
        """Return the function's zip with each ``old`` in a module replaced."""
        copy = self.folder / f"sabotaged-{uuid.uuid4().hex}.zip"
        with zipfile.ZipFile(self.code) as source, zipfile.ZipFile(copy, "w") as target:
            for info in source.infolist():
                content = source.read(info)
                if info.filename == module:
                    assert old.encode() in content, f"{module} has no {old!r} any more: nothing would be sabotaged"
                    content = content.replace(old.encode(), new.encode())
                info.compress_type = zipfile.ZIP_STORED
                target.writestr(info, content)
        return copy

    @property
    def handle(self) -> Handle:
        """Faults of the stack's cluster, and what is underneath it."""
        if not isinstance(self.cloud, LocalCloud):
            pytest.skip("this can be done to the stand-in alone")
        return self.cloud.handle(database.endpoint(self.stack.outputs()))


def opened(cloud: Cloud, code: Path, folder: Path) -> Iterator[Arena]:
    """Give an arena, on which a storm with nothing done to it has passed."""
    name = f"dsql-perspective-{uuid.uuid4().hex[:8]}"
    arena = Arena(cloud, Stack(cloud, name), code, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conductor, "FUNCTION_LIMIT_S", 1.0)
        try:
            assert arena.storm().verdict.findings == ()
            yield arena
        finally:
            arena.stack.delete()


def names(result: Result) -> set[str]:
    return {finding.name for finding in result.verdict.findings}


def unknown(result: Result) -> int:
    """How many outcomes are listed as not told, decided by the balances or not."""
    return len(result.verdict.resolved) + len(result.verdict.ambiguous)
