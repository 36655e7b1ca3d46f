"""What tests of workers and their conductor begin with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_dsql.storm.run.conductor import Conductor
from tests.unit.storm.fake_stage import FakeStage, conduct


@pytest.fixture
def stage() -> Iterator[FakeStage]:
    stage = FakeStage()
    yield stage
    stage.close()


@pytest.fixture
def conducted(stage: FakeStage, tmp_path: Path) -> Iterator[Conductor]:
    """A conductor of one quiet storm on the stage, whose function is never at work for a call that is gone."""
    conducted = conduct(stage, tmp_path, function_limit_s=0.0)
    yield conducted
    conducted.close()
