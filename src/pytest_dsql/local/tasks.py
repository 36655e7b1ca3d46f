"""What an event loop has to do beside: tasks that end with their owner, calls that wait."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    """What its owner has running beside it."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a task and return it; it is forgotten when it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def cancel(self) -> None:
        """End what runs, and wait until it has ended."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


def not_before(seconds: float, call: Callable[[], None]) -> None:
    """Call when so many seconds have passed, and never earlier: a timer of uvloop may be early by a millisecond."""
    loop, due = asyncio.get_running_loop(), time.monotonic() + seconds

    def look() -> None:
        left = due - time.monotonic()
        if left > 0:
            loop.call_later(left, look)
        else:
            call()

    look()
