"""A temporary folder that goes with the process that asked for it, also where that process is killed.

Run as a program it is the folder's owner: it makes the folder, names it on stdout, and removes it when its own stdin
closes. It uses the standard library alone, to be up in milliseconds.
"""

import contextlib
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path
from typing import BinaryIO


def main(prefix: str) -> None:
    """Own a folder until stdin closes."""
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        print(folder, flush=True)
        select.select([sys.stdin], [], [])


@contextlib.contextmanager
def owned(prefix: str) -> Iterator[Path]:
    """Give a folder that only its owner can enter; raise OSError where it cannot be made."""
    command = [sys.executable, __file__, prefix]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as owner:
        line = owner.stdout.readline() if owner.stdout else ""
        if not line:
            raise OSError("no temporary folder could be made")
        yield Path(line.strip())


def private(path: Path) -> BinaryIO:
    """Open a new file, or an empty one in an old one's place, that only its owner can read and write."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def fresh(parent: Path, name: str) -> Path:
    """Make a new folder and return it: of that name, or with a number where there is one already."""
    parent.mkdir(parents=True, exist_ok=True)
    for each in chain([name], (f"{name}-{number}" for number in count(2))):
        with contextlib.suppress(FileExistsError):
            (parent / each).mkdir()
            return parent / each
    raise AssertionError


if __name__ == "__main__":
    main(sys.argv[1])
