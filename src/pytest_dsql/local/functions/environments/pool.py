"""The execution environments that this machine carries, and who gets one.

On AWS every invocation in flight has an environment of its own. Here there are as many as the machine is given, and
invocations beyond them wait, first come, first served.
"""

import asyncio
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Final

from pytest_dsql.local.functions.environments.environment import Environment
from pytest_dsql.local.functions.environments.revisions import Revisions
from pytest_dsql.local.functions.invoke.account import Function, Key
from pytest_dsql.local.functions.invoke.errors import CLOSING, NoEnvironment

MARGIN: Final = timedelta(minutes=5)
"""An environment whose credentials end within this time is given no more work."""

Place = Environment | None
"""A warm environment, or None: the leave to start one."""


class Pool:
    """Places for environments. Each one acquired is released once."""

    def __init__(self, places: int, revisions: Revisions) -> None:
        self._free, self._revisions = places, revisions
        self._idle: dict[Key, list[Environment]] = {}
        """By what they can run; the most recently used last."""
        self._waiting: deque[tuple[Key, asyncio.Future[Place]]] = deque()
        self._closed = False

    async def acquire(self, function: Function) -> Place:
        """Return the most recently used idle environment of a function, or leave to start one; wait for either.

        Raises NoEnvironment where the pool is closed.
        """
        if self._closed:
            raise NoEnvironment(CLOSING)
        outdated = self._revisions.note(function)
        if outdated:
            self.retire(outdated)
        warm = self._warm(function.key)
        if warm:
            return warm
        if self._free or self._evict():
            self._free -= 1
            return None
        return await self._wait(function.key)

    def _warm(self, key: Key) -> Environment | None:
        idle = self._idle.get(key)
        while idle:
            environment = idle.pop()
            if _usable(environment):
                return environment
            self._end(environment)
        return None

    def _evict(self) -> bool:
        """End the idle environment that was used the longest time ago; False where there is none."""
        oldest = min((idle[0] for idle in self._idle.values() if idle), key=lambda each: each.used, default=None)
        if oldest:
            self._idle[oldest.function.key].remove(oldest)
            self._end(oldest)
        return bool(oldest)

    async def _wait(self, key: Key) -> Place:
        waiter: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, waiter))
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and not waiter.exception():
                self.release(waiter.result())
            raise

    def release(self, place: Place) -> None:
        """Give a place back: the next in the queue has it, with its environment where that is of use to them."""
        if place and not (_usable(place) and self._revisions.is_current(place.function.key)):
            place.close()
            place = None
        while self._waiting:
            key, waiter = self._waiting.popleft()
            if waiter.done():
                continue
            if place and place.function.key != key:
                place.close()
                place = None
            waiter.set_result(place)
            return
        if place:
            self._keep(place)
        else:
            self._free += 1

    def _keep(self, environment: Environment) -> None:
        environment.used = asyncio.get_running_loop().time()
        environment.on_end = self._lost
        self._idle.setdefault(environment.function.key, []).append(environment)

    def _lost(self, environment: Environment) -> None:
        """Hear that the process of an environment has ended."""
        idle = self._idle.get(environment.function.key, [])
        if environment in idle:
            idle.remove(environment)
            self._end(environment)

    def _end(self, environment: Environment) -> None:
        environment.close()
        self._free += 1

    def retire(self, key: Key) -> None:
        """End the idle environments of a revision; the busy ones end when they are released."""
        for environment in self._idle.pop(key, []):
            self._end(environment)

    def close(self) -> None:
        """End what is idle, and refuse those who wait."""
        self._closed = True
        for key in list(self._idle):
            self.retire(key)
        for _, waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(NoEnvironment(CLOSING))
        self._waiting.clear()


def _usable(environment: Environment) -> bool:
    return environment.alive and environment.credentials.expires - datetime.now(UTC) > MARGIN
