"""``python -m infra storm``: its verdict, its exit status, and what Ctrl-C leaves."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.cloud import Cloud
from infra.stack import Stack
from pytest_dsql.link.state import State
from tests.fix_target import ROOT

pytestmark = pytest.mark.timeout(300)

LIMIT_S = 240
SMALL = ("--parallel=20", "--accounts=50", "--warmup=4")
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def start(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start the command on the run's target, with a stack of this module's own."""
    if cloud.target != "local":
        pytest.skip("the stack of the run is another's on AWS")
    folder, name = tmp_path_factory.mktemp("state"), f"dsql-perspective-{uuid.uuid4().hex[:8]}"
    State(folder / "state.json").write(cloud.environment, os.getpid())
    environment = {**os.environ, "DSQL_STATE_DIR": str(folder), "DSQL_STACK_NAME": name}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, (ROOT, ROOT / "src")))

    def start(*arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "infra", "storm", *SMALL, *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)

    yield start
    Stack(cloud, name).delete()


def test_a_storm_is_one_command(start: Start, tmp_path: Path) -> None:
    done = start("--scenario=with_retry", "--calls=200", "--workers=2", f"--report={tmp_path}")
    told, _ = done.communicate(timeout=LIMIT_S)
    assert done.returncode == 0
    assert told.splitlines()[1:3] == [
        "storm: with retry: every call is committed",
        "PASS  200 calls on the local stand-in, and not a cent lost",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "with_retry"}


def test_ctrl_c_leaves_a_judged_report(start: Start) -> None:
    with start("--scenario=with_retry", "--calls=90000", "--workers=1") as running:
        assert running.stderr
        next(line for line in running.stderr if "/90k" in line)
        running.send_signal(signal.SIGINT)
        told, _ = running.communicate(timeout=LIMIT_S)
    assert running.returncode == 130
    assert "broken_off: it was interrupted" in told
    assert told.endswith("It was interrupted.\n")


def test_a_finding_is_a_failure(start: Start) -> None:
    done = start("--scenario=with_retry", "--calls=20", "--min-rate=1000000", "--workers=1")
    told, _ = done.communicate(timeout=LIMIT_S)
    assert done.returncode == 1
    assert "  min_rate: " in told


def test_a_search_tells_of_its_steps(start: Start, tmp_path: Path) -> None:
    done = start("--find-rate", "--max-p99=1", "--rate=2", "--step=1", "--workers=1", f"--report={tmp_path}")
    told, _ = done.communicate(timeout=LIMIT_S)
    assert done.returncode == 1
    assert told.splitlines()[1].startswith("No rate held a p99 of 1 ms on the local stand-in: 1 calls/s, the lowest")
    assert (tmp_path / "rate.html").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [(("--calls=0",), "--calls: must be at least 1"), (("--find-rate",), "--find-rate: goes with --max-p99")],
)
def test_what_cannot_be_is_told_before_anything_is_done(start: Start, options: tuple[str, ...], told: str) -> None:
    done = start(*options)
    _, error = done.communicate(timeout=LIMIT_S)
    assert done.returncode == 2
    assert told in error
