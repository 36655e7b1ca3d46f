"""What a run starts once, in its own process, and tells the workers of pytest-xdist. It ends with the run.

Who starts something does so at the session's start, where this process is not a worker, and leaves how it is ended with
``config.add_cleanup``: what was started last ends first.
"""

from typing import Any, Final

import pytest

_told = pytest.StashKey[dict[str, Any]]()
_INPUT: Final = "dsql-tests"


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is a worker's, and the run is another's."""
    return hasattr(config, "workerinput")


def workers(config: pytest.Config) -> int:
    """Return how many processes share the run's tests."""
    return int(config.workerinput["workercount"]) if hasattr(config, "workerinput") else 1


def tell(config: pytest.Config, name: str, value: Any) -> None:
    """Have every worker know a value, which a message of xdist's can hold."""
    config.stash.setdefault(_told, {})[name] = value


def told(config: pytest.Config, name: str) -> Any:
    """Return what the run has told, None where it has not."""
    return _known(config).get(name)


def _known(config: pytest.Config) -> dict[str, Any]:
    return dict(config.workerinput[_INPUT]) if hasattr(config, "workerinput") else config.stash.setdefault(_told, {})


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput[_INPUT] = _known(node.config)
