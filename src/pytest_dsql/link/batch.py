"""Work under load: many processes that wake each other, on a few cores."""

import contextlib
import os


def as_batch() -> None:
    """Have the scheduler take this process, and all that it starts from now on, for batch work (sched(7)).

    Whoever is woken by a message then waits for the running process to end its slice, instead of interrupting it; and
    what a person does beside it comes first. Systems other than Linux have no such thing, and a sandbox may forbid it.
    """
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
