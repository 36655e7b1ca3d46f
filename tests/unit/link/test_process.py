"""A stand-in as a process: as long as a block runs, or in the background; programs of a few lines stand for it."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pytest_dsql.link import process, version
from pytest_dsql.link.process import StandInError
from pytest_dsql.link.state import State, runs

COMES_UP = """
import json, signal, socket, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
print(json.dumps({"DSQL_CONTROL": sys.argv[1], "DSQL_VERSION": sys.argv[2]}), flush=True)
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
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """Where a stand-in that this process starts leaves word of itself."""
    monkeypatch.setattr(subprocess, "Popen", Started)
    yield State(tmp_path / "word" / "state.json")
    Started.reap()


def starts(monkeypatch: pytest.MonkeyPatch, program: str, *arguments: str) -> None:
    """Have a program of a few lines started as the stand-in."""
    monkeypatch.setattr(version, "command", lambda: [sys.executable, "-c", program, *arguments])


def test_word_goes_with_the_block_that_it_ran_for(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts(monkeypatch, COMES_UP + UNTIL_EOF, str(tmp_path / "own"), version.version())
    with process.foreground(state, "cloud") as (started, _):
        known = state.read()
        assert known
        assert known["pid"] == started.pid
    assert not runs(started.pid)
    assert not state.path.exists()


def test_stopping_waits_until_it_has_tidied_up(state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starts(monkeypatch, COMES_UP + UNTIL_TERMINATED, str(tmp_path / "own"), version.version())
    process.detach(state, "cloud")
    assert state.read()
    process.stop(state)
    assert (tmp_path / "own-tidy").exists()
    assert not state.path.exists()


def test_where_none_runs_none_is_stopped(state: State) -> None:
    with pytest.raises(StandInError, match="no stand-in is running"):
        process.stop(state)


def test_one_of_another_version_is_ended_and_told(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts(monkeypatch, COMES_UP + UNTIL_TERMINATED, str(tmp_path / "own"), "0.0.1")
    with pytest.raises(StandInError, match="of another version: it is 0.0.1"):
        process.detach(state, "cloud")
    assert (tmp_path / "own-tidy").exists()


def test_what_keeps_it_from_coming_up_is_told(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    starts(monkeypatch, "raise SystemExit('the port is taken')")
    with pytest.raises(StandInError, match="the stand-in did not start: the port is taken"):
        process.detach(state, "cloud")
    assert not state.path.exists()


def test_one_that_says_nothing_is_given_up(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START_LIMIT_S", 0.1)
    starts(monkeypatch, "import signal; signal.pause()")
    with pytest.raises(StandInError, match="did not start within"):
        process.detach(state, "cloud")
    assert Started.every[0].returncode == -signal.SIGKILL
