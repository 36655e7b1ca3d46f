"""What a run starts once, in its own process, and tells the workers of pytest-xdist. It ends with the run.

Who starts something does so at the session's start, where this process is not a worker, and leaves how it is ended with
``config.add_cleanup``: what was started last ends first.
"""

from typing import Any, Final

import pytest

_told = pytest.StashKey[dict[str, Any]]()
_far = pytest.StashKey[dict[str, Any]]()
_reported = pytest.StashKey[dict[str, Any]]()
_INPUT: Final = "dsql-tests"
_LINE: Final = "dsql-tests-line"


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is a worker's, and the run is another's."""
    return hasattr(config, "workerinput")


def workers(config: pytest.Config) -> int:
    """Return how many processes share the run's tests."""
    return int(config.workerinput["workercount"]) if hasattr(config, "workerinput") else 1


def elsewhere(config: pytest.Config) -> bool:
    """Whether some of the run's workers are on other machines (``--tx ssh=…``, ``--tx socket=…``)."""
    if is_worker(config) or not config.getoption("tx", None):
        return False
    from execnet import XSpec
    from xdist.workermanage import parse_tx_spec_config

    return any(not XSpec(each).popen for each in parse_tx_spec_config(config))


def tell(config: pytest.Config, name: str, value: Any, *, far: Any = None) -> None:
    """Have every worker know a value, which a message of xdist's can hold; those on other machines ``far``, if given.

    What is said to them goes by execnet's line, ssh's for instance, and stands in no list of processes.
    """
    config.stash.setdefault(_told, {})[name] = value
    if far is not None:
        config.stash.setdefault(_far, {})[name] = far


def told(config: pytest.Config, name: str) -> Any:
    """Return what the run has told, None where it has not."""
    return _known(config).get(name)


def _known(config: pytest.Config) -> dict[str, Any]:
    return dict(config.workerinput[_INPUT]) if hasattr(config, "workerinput") else config.stash.setdefault(_told, {})


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    far = {} if node.gateway.spec.popen else node.config.stash.get(_far, {})
    node.workerinput[_INPUT] = {**_known(node.config), **far}
    channel = node.workerinput[_LINE] = node.gateway.newchannel()
    channel.setcallback(lambda said: node.config.stash.setdefault(_reported, {}).update(said))


def report(config: pytest.Config, name: str, value: Any) -> None:
    """Have the run know a worker's value, before anything that the worker says later; the last worker's counts."""
    config.workerinput[_LINE].send({name: value})  # type: ignore[attr-defined]


def reported(config: pytest.Config, name: str) -> Any:
    """Return what a worker has reported."""
    return config.stash[_reported][name]
