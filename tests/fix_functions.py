"""Lambda's stand-in, one for each test that asks for it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    # What it needs takes long to import, and most runs need none of it.
    from tests.unit.functions.endpoint import Functions


@pytest.fixture
def start_functions(tmp_path: Path) -> "Iterator[Callable[..., Functions]]":
    """Start Lambda with options of the test's own; it ends with the test, and nothing is left of it."""
    from tests.unit.functions.endpoint import Endpoint, Functions, Here

    started: list[Endpoint] = []

    def start(*, new_loop: Callable[[], Any] | None = None, **options: Any) -> Functions:
        endpoint = Endpoint(Here(), tmp_path / f"lambda-{len(started)}", new_loop=new_loop)
        started.append(endpoint)
        return Functions(endpoint, endpoint.run(endpoint.start(**options)))

    yield start
    for endpoint in started:
        endpoint.stop()
        assert not endpoint.failures
        assert not endpoint.folder.exists()


@pytest.fixture
def functions(start_functions: "Callable[..., Functions]") -> "Functions":
    """Lambda, with an account that has no functions yet."""
    return start_functions()
