"""A stack of its own on which small storms are played; something is done to it."""

import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from infra import database
from infra.cloud import Cloud
from infra.search import arena
from infra.search.arena import Rival
from infra.stack import Stack
from infra.stand_in import LocalCloud
from pytest_dsql.link.handle import Handle
from pytest_dsql.storm.record.verdict import Expectations
from pytest_dsql.storm.run.conductor import Result
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.transfers.scenario import COMMITS, Scenario
from tests.stress.small import LOAD

COMMIT_S: Final = 0.01
"""How long a COMMIT takes, so that transfers meet."""


@dataclass(frozen=True)
class Arena(arena.Arena):
    """A stack of these tests' own."""

    def storm(
        self,
        expectations: Expectations = COMMITS,
        load: Load = LOAD,
        *,
        code: Path | None = None,
        rival: Rival | None = None,
    ) -> Result:
        """Play one; ``code`` is in place of the function's own zip."""
        return self.play(Scenario("sabotage", "a small storm", expectations), load, COMMIT_S, code=code, rival=rival)

    @property
    def cloud(self) -> Cloud:
        """The target."""
        return self.stack.cloud

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
    arena = Arena(Stack(cloud, f"dsql-perspective-{uuid.uuid4().hex[:8]}"), code, folder)
    try:
        assert arena.storm().verdict.findings == ()
        yield arena
    finally:
        arena.stack.delete()
