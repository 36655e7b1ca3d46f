"""Word of a running stand-in, and the clients that reach it."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.config import Config

from infra.local.attach import LocalCloud, read_state, write_state


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Path]:
    """A socket where a stand-in's would be."""
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        yield path


@pytest.fixture
def state(tmp_path: Path, control: Path) -> Path:
    """Word of a stand-in whose process is this one."""
    path = tmp_path / "state" / "state.json"
    write_state({"DSQL_CONTROL": str(control)}, os.getpid(), path)
    return path


def test_word_is_its_owners_alone(state: Path, control: Path) -> None:
    assert read_state(state) == {"pid": os.getpid(), "environment": {"DSQL_CONTROL": str(control)}}
    assert [path.stat().st_mode & 0o777 for path in (state.parent, state)] == [0o700, 0o600]


def test_a_process_that_has_ended_runs_no_more(state: Path, control: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    write_state({"DSQL_CONTROL": str(control)}, ended.pid, state)
    assert read_state(state) is None


def test_one_whose_parent_has_not_looked_yet_has_ended(state: Path, control: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as zombie:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        write_state({"DSQL_CONTROL": str(control)}, zombie.pid, state)
        assert read_state(state) is None


def test_another_process_of_the_same_number_is_no_stand_in(state: Path, control: Path) -> None:
    control.unlink()
    assert read_state(state) is None


@pytest.mark.parametrize("text", ["", "{}", '{"pid": 1}', None], ids=["empty", "no pid", "no variables", "no file"])
def test_what_is_no_word_is_none(state: Path, text: str | None) -> None:
    state.write_text(text) if text is not None else state.unlink()
    assert read_state(state) is None


def test_a_client_is_made_once_for_a_service_and_a_config(aws: LocalCloud) -> None:
    config = Config(read_timeout=1)
    made: list[object] = []
    threads = [threading.Thread(target=lambda: made.append(aws.client("s3", config))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({*made}) == 1
    assert aws.client("s3", config) is not aws.client("s3")
    assert aws.client("s3", config) is not aws.client("sts", config)


def test_the_account_is_known(aws: LocalCloud) -> None:
    assert aws.account == "123456789012"
