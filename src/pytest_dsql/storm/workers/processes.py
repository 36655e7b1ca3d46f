"""The processes of a storm: started at once, none left behind, whatever becomes of the one that started them."""

import contextlib
import json
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from pytest_dsql.storm.record.journal import worker_name

COMMAND: Final = (sys.executable, "-P", "-m", "pytest_dsql.storm.workers.program")
END_LIMIT_S: Final = 10.0


class Part(Protocol):
    """What a process is told to do. It is pickled."""

    def take_part(self) -> object:
        """Do it."""
        ...


class Processes:
    """The workers' processes, for a block; ``gone`` is told of each that has ended, and its last words.

    Each ends when our end of a pipe does. What it says goes into a file of ``folder``, beside its record.
    """

    def __init__(self, folder: Path, gone: Callable[[int, str], None]) -> None:
        self._folder, self._gone = folder, gone
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._watching: list[threading.Thread] = []

    def start(self, share: int, part: Part) -> None:
        """Start one, for a share of the calls."""
        with self._log(share).open("wb") as log:
            process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)
        self._running[share] = process
        with contextlib.suppress(BrokenPipeError):  # then it is gone, and has said why
            if process.stdin:
                # Where modules are found has to be known before what is made of them.
                process.stdin.write(json.dumps(sys.path).encode() + b"\n" + pickle.dumps(part))
                process.stdin.flush()
        watch = threading.Thread(target=self._watch, args=(share, process), name="storm-process", daemon=True)
        watch.start()
        self._watching.append(watch)

    def _watch(self, share: int, process: "subprocess.Popen[bytes]") -> None:
        status = process.wait()
        self._gone(share, f"{self._last_line(share)} (status {status})")

    def _last_line(self, share: int) -> str:
        lines = self._log(share).read_text(errors="replace").split("\n") if self._log(share).exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "it has said nothing")

    def _log(self, share: int) -> Path:
        return self._folder / f"{worker_name(share)}.log"

    def wait(self, limit_s: float = END_LIMIT_S) -> None:
        """Wait until all have ended, or for so long."""
        until = time.monotonic() + limit_s
        for watch in self._watching:
            watch.join(max(0.0, until - time.monotonic()))

    def end(self) -> None:
        """End those that still run."""
        for process in self._running.values():
            process.kill()
            if process.stdin:
                with contextlib.suppress(OSError):
                    process.stdin.close()
        self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.end()
