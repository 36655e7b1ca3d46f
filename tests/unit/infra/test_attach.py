"""Word of a running stand-in, and the clients that reach it."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from botocore.config import Config

from infra.cloud import CloudError
from infra.local import attach
from infra.local.attach import LocalCloud, read_state, runs, write_state


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


COMES_UP = """
import json, signal, socket, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
print(json.dumps({"DSQL_CONTROL": sys.argv[1]}), flush=True)
"""
UNTIL_EOF = "sys.stdin.read()"
UNTIL_TERMINATED = "signal.sigwait({signal.SIGTERM}); open(sys.argv[1] + '-tidy', 'w').close()"


class Started(subprocess.Popen[str]):
    """A process that is reaped at the end of the test, whatever became of it."""

    every: ClassVar[list["Started"]] = []

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.every.append(self)

    @classmethod
    def reap(cls) -> None:
        while cls.every:
            started = cls.every.pop()
            with contextlib.suppress(ChildProcessError):
                os.waitpid(started.pid, 0)
            started.returncode = 0
            if started.stdout:
                started.stdout.close()


@pytest.fixture
def word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a stand-in that this process starts leaves word of itself."""
    path = tmp_path / "word" / "state.json"
    monkeypatch.setattr(subprocess, "Popen", Started)
    monkeypatch.setattr(attach, "STATE", path)
    monkeypatch.setattr(attach, "read_state", partial(read_state, path))
    monkeypatch.setattr(attach, "write_state", partial(write_state, state=path))
    yield path
    Started.reap()


def starts(monkeypatch: pytest.MonkeyPatch, program: str, *arguments: str) -> None:
    """Have a program of a few lines started as the stand-in."""
    monkeypatch.setattr(attach, "COMMAND", (sys.executable, "-c", program, *arguments))


def test_word_goes_with_the_block_that_it_ran_for(word: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starts(monkeypatch, COMES_UP + UNTIL_EOF, str(tmp_path / "own"))
    with attach.foreground() as (process, _):
        known = attach.read_state()
        assert known
        assert known["pid"] == process.pid
    assert not runs(process.pid)
    assert not word.exists()


def test_stopping_waits_until_it_has_tidied_up(word: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starts(monkeypatch, COMES_UP + UNTIL_TERMINATED, str(tmp_path / "own"))
    attach.detach()
    assert attach.read_state()
    attach.stop()
    assert (tmp_path / "own-tidy").exists()
    assert not word.exists()


@pytest.mark.usefixtures("word")
def test_where_none_runs_none_is_stopped() -> None:
    with pytest.raises(CloudError, match="no stand-in is running; start one with: python -m infra up --detach"):
        attach.stop()


def test_what_keeps_it_from_coming_up_is_told(word: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starts(monkeypatch, "raise SystemExit('the port is taken')")
    with pytest.raises(CloudError, match="the stand-in did not start: the port is taken"):
        attach.detach()
    assert not word.exists()
