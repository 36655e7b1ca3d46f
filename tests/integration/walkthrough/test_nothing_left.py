"""Whatever becomes of a stand-in, nothing of it is left: no process, no folder, no port."""

import signal
import socket
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
from tests.fix_log import Heard
from tests.fix_stack import invoke_function
from tests.processes import descendants

GONE_LIMIT_S = 20.0


def eventually(look: Callable[[], bool]) -> bool:
    until = time.monotonic() + GONE_LIMIT_S
    while not look() and time.monotonic() < until:
        time.sleep(0.05)
    return look()


def test_nothing_is_left_of_one_that_is_killed(cloud: Cloud, code: Path, heard: Heard) -> None:
    if cloud.target != "local":
        pytest.skip("the stand-in's own")
    process, environment = launch("cloud", stderr=heard.file)
    own = LocalCloud(environment)
    stack = Stack(own)
    host = database.endpoint(stack.deploy(CHAPTERS[1], code).outputs)
    assert "connected to DSQL" in invoke_function(stack, {"name": "reinvent"}).payload["greeting"]
    family_before = descendants(process.pid)
    assert len(family_before) > 5
    process.send_signal(signal.SIGKILL)
    end(process)
    assert eventually(lambda: not any(map(runs, family_before)))
    assert not Path(environment["DSQL_CONTROL"]).parent.exists()
    with pytest.raises(psycopg.OperationalError):
        database.connect(own, host)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(environment["AWS_ENDPOINT_URL"].rpartition(":")[2])))
