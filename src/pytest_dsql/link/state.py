"""Word of a stand-in that runs: who starts it in the background leaves it, who comes later finds it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_dsql.link.folder import private

_PROCESSES: Final = Path("/proc")
_ENDED: Final = frozenset("ZX")
"""Zombie and dead (proc(5))."""


@dataclass(frozen=True, slots=True)
class State:
    """Where word is left, ``path``; the stand-in's log stands beside it."""

    path: Path

    @property
    def log(self) -> Path:
        """What the stand-in says, where it runs in the background."""
        return self.path.with_name("log")

    def read(self) -> dict[str, Any] | None:
        """Return a running stand-in's ``pid`` and ``environment``, None where none runs."""
        try:
            known: dict[str, Any] = json.loads(self.path.read_text())
            # After a crash its number may be another process's by now; its folder, and the socket in it, are gone.
            found = runs(known["pid"]) and Path(known["environment"]["DSQL_CONTROL"]).is_socket()
        except (OSError, ValueError, KeyError):
            return None
        return known if found else None

    def write(self, environment: dict[str, str], pid: int) -> None:
        """Leave word, readable by its owner alone: the keys in it open the stand-in."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        with private(part) as file:
            file.write(json.dumps({"pid": pid, "environment": environment}).encode())
        part.replace(self.path)

    def forget(self) -> None:
        """Take word back."""
        self.path.unlink(missing_ok=True)


def runs(pid: int) -> bool:
    """Return whether a process runs: one that has ended may wait long, or for ever, for its parent to look.

    Without /proc (macOS) one that waits counts as running; it has no socket any more.
    """
    if not _PROCESSES.is_dir():
        return _answers(pid)
    try:
        status = (_PROCESSES / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return status not in _ENDED


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
