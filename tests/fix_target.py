"""Where the integration tests run: on this machine (a stand-in, started for the run) or on AWS."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.fix_layers import selects

ROOT: Final = Path(__file__).parent.parent
START_LIMIT_S: Final = 60
STOP_LIMIT_S: Final = 30

_environment = pytest.StashKey[dict[str, str]]()
_stand_in = pytest.StashKey["subprocess.Popen[str]"]()
_KEY: Final = "target-environment"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("target", "where the integration tests run")
    group.addoption(
        "--target",
        choices=("local", "aws"),
        default=os.environ.get("DSQL_TARGET", "local"),
        help="local: a stand-in on this machine; aws: the cluster that CLUSTER_ENDPOINT names, with the credentials of "
        "the environment (environment: DSQL_TARGET)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workerinput") or config.option.collectonly or not selects(config, "integration"):
        return
    config.stash[_environment] = _aws() if config.option.target == "aws" else _local(config)


def _aws() -> dict[str, str]:
    """Return what reaches the cluster that the environment names."""
    missing = [name for name in ("CLUSTER_ENDPOINT", "AWS_REGION") if not os.environ.get(name)]
    if missing:
        raise pytest.UsageError(f"--target aws: {' and '.join(missing)} must be set")
    kept = ("AWS_", "PG", "CLUSTER_")
    return {name: value for name, value in os.environ.items() if name.startswith(kept)}


def _local(config: pytest.Config) -> dict[str, str]:
    """Start the run's stand-in."""
    try:
        config.stash[_stand_in], environment = launch()
    except StandInError as error:
        raise pytest.UsageError(str(error)) from None
    return environment


class StandInError(Exception):
    """The stand-in did not come up."""


def launch(*options: str) -> tuple["subprocess.Popen[str]", dict[str, str]]:
    """Start a stand-in that ends with this process, however it ends: it reads our end of a pipe.

    Returns its process and the variables that reach it; raises StandInError.
    """
    command = [sys.executable, "-m", "infra.local", "dsql", "--json", "--until-eof", *options]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        process.communicate(timeout=STOP_LIMIT_S)
        raise StandInError("the stand-in did not start; its words are above")
    return process, json.loads(line)


def pytest_report_header(config: pytest.Config) -> str | None:
    if _environment not in config.stash:
        return None
    where = "stand-in on this machine" if config.option.target == "local" else "AWS"
    return f"target: {where}, cluster {config.stash[_environment]['CLUSTER_ENDPOINT']}"


def pytest_unconfigure(config: pytest.Config) -> None:
    process = config.stash.get(_stand_in, None)
    if process is not None:
        process.communicate(timeout=STOP_LIMIT_S)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the target is."""
    if _environment in node.config.stash:
        node.workerinput[_KEY] = node.config.stash[_environment]


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> dict[str, str]:
    """The variables that reach the target, for any client: AWS_*, PG*, CLUSTER_ENDPOINT."""
    worker = getattr(pytestconfig, "workerinput", None)
    environment: dict[str, str] = worker[_KEY] if worker is not None else pytestconfig.stash[_environment]
    return environment
