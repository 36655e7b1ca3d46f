"""One process of a storm: it is told its part on stdin, takes it, and ends when stdin closes."""

import json
import os
import pickle
import sys
import threading
from typing import TYPE_CHECKING

from pytest_dsql.link.batch import as_batch

if TYPE_CHECKING:
    from pytest_dsql.storm.workers.processes import Part


def main() -> None:
    """Read what there is to do, and do it."""
    as_batch()
    sys.path[:] = json.loads(sys.stdin.buffer.readline())
    part: Part = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that has started this one
    threading.Thread(target=_end_with, args=(sys.stdin.fileno(),), name="storm-end", daemon=True).start()
    part.take_part()


def _end_with(pipe: int) -> None:
    """End this process when a pipe does, whatever its threads are at."""
    while os.read(pipe, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
