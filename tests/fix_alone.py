"""A stand-in of the test's own, to be stopped, killed and started again."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from pytest_dsql.link.process import STOP_LIMIT_S, launch
from tests.fix_cluster import Cluster
from tests.fix_log import Heard


class Alone(Cluster):
    """A cluster whose process is the test's."""

    process: "subprocess.Popen[str]"

    def stop(self) -> None:
        """End the stand-in as its user does."""
        self.process.communicate(timeout=STOP_LIMIT_S)

    def kill(self) -> None:
        """End the process that its clients talk to, at once."""
        self.process.kill()
        self.stop()


def start(*options: str, stderr: BinaryIO) -> Alone:
    process, environment = launch("dsql", *options, stderr=stderr)
    alone = Alone(environment, "local")
    alone.process = process
    return alone


@pytest.fixture
def kept() -> Iterator[Path]:
    """A folder for a server's data, which another user than root can reach."""
    folder = Path(tempfile.mkdtemp(prefix="dsql-kept-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.fixture
def alone(pytestconfig: pytest.Config, kept: Path, heard: Heard) -> Iterator[Callable[..., Alone]]:
    """Start a stand-in; it ends with the test, and before the folder that may be its data."""
    if pytestconfig.option.target != "local":
        pytest.skip("the stand-in's own")
    started: list[Alone] = []

    def run(*options: str) -> Alone:
        started.append(start(*options, stderr=heard.file))
        return started[-1]

    yield run
    for each in started:
        each.close()
        each.stop()


def kill_server(data: Path) -> None:
    """End PostgreSQL without a chance to tidy up."""
    os.kill(int((data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
