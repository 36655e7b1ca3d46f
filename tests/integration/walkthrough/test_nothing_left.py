"""Whatever becomes of a stand-in, nothing of it is left: no process, no folder, no port."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from infra import database
from infra.chapters import CHAPTERS
from infra.cloud import Cloud
from infra.stack import Stack
from infra.stand_in import LocalCloud
from pytest_dsql.link.process import end, launch
from pytest_dsql.link.state import runs
from tests.fix_stack import invoke_function

GONE_LIMIT_S = 20.0


def family(pid: int) -> set[int]:
    """Return a process's descendants."""
    lines = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.split()
    parents = {int(child): int(parent) for child, parent in zip(lines[::2], lines[1::2], strict=True)}
    found, new = set[int](), {pid}
    while new := {child for child, parent in parents.items() if parent in new} - found:
        found |= new
    return found


def eventually(look: Callable[[], bool]) -> bool:
    until = time.monotonic() + GONE_LIMIT_S
    while not look() and time.monotonic() < until:
        time.sleep(0.05)
    return look()


def test_nothing_is_left_of_one_that_is_killed(cloud: Cloud, code: Path) -> None:
    if cloud.target != "local":
        pytest.skip("the stand-in's own")
    process, environment = launch("cloud")
    own = LocalCloud(environment)
    stack = Stack(own)
    host = database.endpoint(stack.deploy(CHAPTERS[1], code).outputs)
    assert "connected to DSQL" in invoke_function(stack, {"name": "reinvent"}).payload["greeting"]
    family_before = family(process.pid)
    assert len(family_before) > 5
    process.send_signal(signal.SIGKILL)
    end(process)
    assert eventually(lambda: not any(map(runs, family_before)))
    assert not Path(environment["DSQL_CONTROL"]).parent.exists()
    with pytest.raises(psycopg.OperationalError):
        database.connect(own, host)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(environment["AWS_ENDPOINT_URL"].rpartition(":")[2])))
