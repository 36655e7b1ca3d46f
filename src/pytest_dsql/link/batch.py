"""Work under load: many processes that wake each other, on a few cores."""

import contextlib
import os
from typing import Final

DESCRIPTORS: Final = 65_536


def as_batch() -> None:
    """Have the scheduler take this process, and all that it starts from now on, for batch work (sched(7)).

    Whoever is woken by a message then waits for the running process to end its slice, instead of interrupting it; and
    what a person does beside it comes first. Systems other than Linux have no such thing, and a sandbox may forbid it.
    """
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def with_descriptors() -> None:
    """Let this process, and all that it starts from now on, have as many sockets open as it may, 65,536 at most.

    Many shells allow 1,024 unless more is asked for (getrlimit(2)), and each call in flight needs one at either end.
    """
    with contextlib.suppress(ImportError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
