"""Calls that wait: uvloop counts whole milliseconds, so a busy loop's timer that begins late in one is early."""

import asyncio
import time

import uvloop

from pytest_dsql.local.tasks import not_before

WAIT_S = 0.003
TIMES = 10


def late_in_a_millisecond() -> float:
    while time.monotonic() * 1_000 % 1 < 0.8:
        pass
    return time.monotonic()


def test_a_call_is_never_early() -> None:
    async def wait() -> float:
        over: list[float] = []
        begun = late_in_a_millisecond()
        not_before(WAIT_S, lambda: over.append(time.monotonic()))
        while not over:
            await asyncio.sleep(0)
        return over[0] - begun

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert min(runner.run(wait()) for _ in range(TIMES)) >= WAIT_S
