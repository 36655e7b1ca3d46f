"""Where small storms are played, for tests that do something to them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from infra.cloud import Cloud
    from tests.stress.arena import Arena


@pytest.fixture(scope="module")
def arena(cloud: "Cloud", code: Path, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Arena]":
    """A stack of the module's own, on which a storm with nothing done to it has passed."""
    from tests.stress.arena import opened

    yield from opened(cloud, code, tmp_path_factory.mktemp("arena"))
