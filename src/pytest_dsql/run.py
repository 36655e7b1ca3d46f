"""What a run has: the stand-in that is started once, and where this process's clusters come from."""

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pytest_dsql.shared import Shared, Told
    from pytest_dsql.target import Target

ASK: Final = "PYTEST_DSQL_RUN"
"""Where a worker asks before it is told anything else, when the environment is to be exported that early."""
TOLD: Final = "dsql-run"
"""By which name a worker of pytest-xdist is told the same."""
_shared = pytest.StashKey["Shared"]()
_target = pytest.StashKey["Target"]()


class NoTarget(Exception):
    """There is nowhere to run tests; the text says why and what to do."""


def shared_of(config: pytest.Config) -> "Shared":
    """Return what the run has in common; this process is the run's own."""
    from pytest_dsql.shared import Shared

    if _shared not in config.stash:
        config.stash[_shared] = Shared(_start)
        config.add_cleanup(config.stash[_shared].close)
    return config.stash[_shared]


def _start(stack: ExitStack) -> "Told":
    from pytest_dsql.link.process import end, launch

    process, environment = launch("dsql")
    stack.callback(end, process)
    return dict(environment)


def target_of(config: pytest.Config) -> "Target":
    """Return where this process's clusters come from, reached when it is first asked for."""
    from pytest_dsql.link.process import StandInError
    from pytest_dsql.shared import NotStarted
    from pytest_dsql.target import TargetError

    if _target not in config.stash:
        try:
            config.stash[_target] = _reach(config)
        except (StandInError, NotStarted, TargetError) as error:
            raise NoTarget(f"--dsql: {error}") from None
        config.add_cleanup(config.stash[_target].close)
    return config.stash[_target]


def _reach(config: pytest.Config) -> "Target":
    from pytest_dsql.shared import ask
    from pytest_dsql.target import GivenCluster, StandIn, TargetError

    chosen = config.known_args_namespace.dsql or os.environ.get("DSQL") or config.getini("dsql") or "local"
    if chosen == "local":
        where = getattr(config, "workerinput", {}).get(TOLD) or (os.environ.get(ASK) if _is_worker() else None)
        return StandIn.of_worker(ask(where)) if where else StandIn(shared_of(config).get())
    if chosen != "aws":
        return GivenCluster(chosen)
    if "DSQL_CONTROL" in os.environ or "AWS_ENDPOINT_URL" in os.environ:
        raise TargetError(
            "this shell points at a stand-in (DSQL_CONTROL, AWS_ENDPOINT_URL): unset both, or name the endpoint"
        )
    if "CLUSTER_ENDPOINT" not in os.environ:
        raise TargetError("aws takes the cluster of the variable CLUSTER_ENDPOINT, which is not set")
    return GivenCluster(os.environ["CLUSTER_ENDPOINT"])


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def described(config: pytest.Config) -> str | None:
    """Return in one line what was reached, None where nothing has been."""
    return config.stash[_target].describe() if _target in config.stash else None
