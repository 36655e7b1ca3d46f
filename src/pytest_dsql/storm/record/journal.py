"""What a worker leaves on disk: a file of JSON lines, whole ones, so that a worker that is killed loses nothing.

Its first line is ``{"begun": worker}``, its last ``{"ended": worker, "cpu_s": …}``; a worker that was killed has none.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

SUFFIX: Final = ".jsonl"


def worker_name(share: int) -> str:
    """Return the name that the record of a worker has."""
    return f"worker{share:02}"


class RecordDamaged(ValueError):
    """A line that is not the last of its file cannot be read; the message names file and line."""


class Sink(Protocol):
    """Where a worker's lines go."""

    def append(self, lines: bytes) -> None:
        """Take lines, whole ones."""

    def close(self) -> None:
        """Take no more."""


class File:
    """A worker's file. Raises FileExistsError where the worker has written already, OSError where the disk is full."""

    def __init__(self, folder: Path, worker: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._name = worker
        self._file = os.open(folder / f"{worker}{SUFFIX}", flags, 0o644)

    def append(self, lines: bytes) -> None:
        """Append lines, each with its end."""
        # O_APPEND makes one write one piece, whichever threads write at the same time.
        if lines and os.write(self._file, lines) != len(lines):
            raise OSError(f"{self._name}'s record was written in part")

    def close(self) -> None:
        """Close it."""
        os.close(self._file)


class Journal:
    """A worker's record, written as things happen.

    Its methods may be called from any thread. One per process: it also measures the process's CPU time. Leaving the
    context by an exception leaves it unfinished, as a kill does. Raises what its sink raises.
    """

    def __init__(self, place: Path | Sink, worker: str) -> None:
        """``place`` is the folder of the storm, where a file is named for the worker, or where else lines go."""
        self._worker, self._cpu = worker, time.process_time()
        self._sink = File(place, worker) if isinstance(place, Path) else place
        self.write({"begun": worker})

    def close(self) -> None:
        """Say that this worker has done all it had to, and close the file."""
        self.write({"ended": self._worker, "cpu_s": round(time.process_time() - self._cpu, 3)})
        self._sink.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._sink.close()

    def write(self, line: dict[str, Any]) -> None:
        """Append a line; what JSON has no kind for is written as text."""
        self.append(json.dumps(line, separators=(",", ":"), default=str).encode() + b"\n")

    def append(self, lines: bytes) -> None:
        """Append lines that are JSON already, each with its end."""
        self._sink.append(lines)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield a worker's lines; the last may be cut short, and is left out; raise RecordDamaged for any other."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                # Only the last line can lack its end.
                if line.endswith("\n"):
                    raise RecordDamaged(f"{path.name}, line {number}: {error}") from error
