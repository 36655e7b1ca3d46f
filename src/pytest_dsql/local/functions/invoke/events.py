"""Asynchronous invocations: accepted at once, run when there is room, tried again where they fail."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from pytest_dsql.local.functions.invoke import facts
from pytest_dsql.local.functions.invoke.account import Function
from pytest_dsql.local.functions.invoke.completions import Completion
from pytest_dsql.local.functions.invoke.errors import NoEnvironment, ServiceError, Throttled
from pytest_dsql.local.functions.invoke.requests import Invocation, InvocationTarget
from pytest_dsql.local.tasks import Tasks

DROPPED: Final = None
"""In place of an outcome: the event is not to be tried again."""


class Events:
    """Events that wait or run. What fails for good is dropped: there are no destinations and dead-letter queues."""

    def __init__(
        self,
        find: Callable[[str, str | None], Function],
        run: Callable[[Function, Invocation], Awaitable[Completion]],
        retry_delays_s: tuple[float, ...],
    ) -> None:
        self._find, self._run, self._retry_delays_s = find, run, retry_delays_s
        self._tasks = Tasks()

    def add(self, target: InvocationTarget, invocation: Invocation) -> None:
        """Take an event."""
        self._tasks.spawn(self._process(target, invocation))

    async def _process(self, target: InvocationTarget, invocation: Invocation) -> None:
        for delay in (*self._retry_delays_s, None):
            outcome = await self._attempt(target, invocation)
            if not outcome or not outcome.failed or delay is None:
                return
            await asyncio.sleep(delay)

    async def _attempt(self, target: InvocationTarget, invocation: Invocation) -> Completion | None:
        """Run an event as soon as it is not throttled; None where that will not be."""
        delay, longest = facts.THROTTLED_EVENT_DELAYS_S
        loop = asyncio.get_running_loop()
        until = loop.time() + facts.EVENT_AGE_S
        while loop.time() < until:
            try:
                function = self._find(target.reference, target.qualifier)
                if function.reserved == 0:
                    return DROPPED
                return await self._run(function, invocation)
            except (Throttled, NoEnvironment):
                await asyncio.sleep(delay)
                delay = min(delay * 2, longest)
            except ServiceError:
                return DROPPED
        return DROPPED

    async def close(self) -> None:
        """Drop what waits, end what runs."""
        await self._tasks.cancel()
