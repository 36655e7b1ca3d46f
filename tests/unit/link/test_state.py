"""Word of a running stand-in."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_dsql.link.state import State, runs


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Path]:
    """A socket where a stand-in's would be."""
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        yield path


@pytest.fixture
def state(tmp_path: Path, control: Path) -> State:
    """Word of a stand-in whose process is this one."""
    state = State(tmp_path / "state" / "state.json")
    state.write({"DSQL_CONTROL": str(control)}, os.getpid())
    return state


def test_word_is_its_owners_alone(state: State, control: Path) -> None:
    assert state.read() == {"pid": os.getpid(), "environment": {"DSQL_CONTROL": str(control)}}
    assert [path.stat().st_mode & 0o777 for path in (state.path.parent, state.path)] == [0o700, 0o600]


def test_a_process_that_has_ended_runs_no_more(state: State, control: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    state.write({"DSQL_CONTROL": str(control)}, ended.pid)
    assert state.read() is None


def test_one_whose_parent_has_not_looked_yet_has_ended(state: State, control: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as zombie:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        state.write({"DSQL_CONTROL": str(control)}, zombie.pid)
        assert state.read() is None


def test_another_process_of_the_same_number_is_no_stand_in(state: State, control: Path) -> None:
    control.unlink()
    assert state.read() is None


@pytest.mark.parametrize("text", ["", "{}", '{"pid": 1}', None], ids=["empty", "no pid", "no variables", "no file"])
def test_what_is_no_word_is_none(state: State, text: str | None) -> None:
    state.path.write_text(text) if text is not None else state.forget()
    assert state.read() is None


def test_without_proc_a_process_is_asked_by_a_signal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pytest_dsql.link.state._PROCESSES", tmp_path / "none")
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    assert (runs(os.getpid()), runs(ended.pid)) == (True, False)
