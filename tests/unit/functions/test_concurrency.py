"""Many invocations at once: environments, the queue for them, reserved concurrency, the account's limit."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.functions.endpoint import WAIT_S, Functions, InvokeAnswer

WAITS = """
    import os, pathlib, select
    def handler(event, context):
        # Until the test opens the other end, or until time is up.
        if event:
            print("waits", flush=True)
            open(event).read()
        return os.getpid()
"""
NUMBERED = """
    calls = 0
    def handler(event, context):
        global calls
        calls += 1
        number = calls
        if event:
            print("waits", flush=True)
            open(event).read()
        return number
"""


class Busy:
    """Invocations that wait until they are let go."""

    def __init__(self, functions: Functions, fifo: Path, executor: ThreadPoolExecutor) -> None:
        self.functions, self._fifo, self._executor = functions, fifo, executor
        self.calls: list[Any] = []

    def start(self, count: int = 1, name: str = "it") -> None:
        """Have so many more run; return once all do."""
        self.calls += [self._executor.submit(self.functions.invoke, str(self._fifo), name) for _ in range(count)]
        account = self.functions.account
        with account.written:
            assert account.written.wait_for(lambda: account.lines().count("waits") >= len(self.calls), WAIT_S)

    def queue(self, name: str = "it") -> Any:
        """Call once more, and return once that waits for an environment."""
        pool = self.functions.endpoint.service._pool
        before, until = len(pool._waiting), time.monotonic() + WAIT_S
        call = self._executor.submit(self.functions.invoke, None, name)
        while len(pool._waiting) == before:
            assert time.monotonic() < until
            self.functions.endpoint.run(asyncio.sleep(0))
        return call

    def let_go(self) -> list[InvokeAnswer]:
        # The readers wait for a writer, and read to the end when it has closed.
        self._fifo.open("w").close()
        return [call.result(WAIT_S) for call in self.calls]


@pytest.fixture
def busy(tmp_path: Path) -> Callable[[Functions], Any]:
    os.mkfifo(tmp_path / "fifo")

    @contextmanager
    def of(functions: Functions) -> Iterator[Busy]:
        with ThreadPoolExecutor(20) as executor:
            yield Busy(functions, tmp_path / "fifo", executor)

    return of


def throttled(functions: Functions, name: str = "it") -> dict[str, Any]:
    with pytest.raises(functions.client.exceptions.TooManyRequestsException) as raised:
        functions.invoke(name=name)
    return dict(raised.value.response)


def test_invocations_at_once_have_an_environment_each(functions: Functions, busy: Callable[[Functions], Any]) -> None:
    functions.deploy(WAITS)
    with busy(functions) as running:
        running.start(3)
        assert len({answer.value for answer in running.let_go()}) == 3


def test_beyond_the_machines_environments_they_wait_in_order(
    start_functions: Callable[..., Functions], busy: Callable[[Functions], Any]
) -> None:
    functions = start_functions(environments=1)
    functions.deploy(NUMBERED)
    with busy(functions) as running:
        running.start()
        second, third = running.queue(), running.queue()
        [first] = running.let_go()
        assert [first.value, second.result(WAIT_S).value, third.result(WAIT_S).value] == [1, 2, 3]


def test_another_functions_idle_environment_makes_room(start_functions: Callable[..., Functions]) -> None:
    functions = start_functions(environments=1)
    functions.deploy(WAITS)
    functions.deploy(WAITS, "other")
    first = functions.invoke().value
    assert functions.invoke(name="other").value != first
    assert functions.invoke().value != first


def test_another_functions_busy_environment_is_waited_for(
    start_functions: Callable[..., Functions], busy: Callable[[Functions], Any]
) -> None:
    functions = start_functions(environments=1)
    functions.deploy(WAITS)
    functions.deploy(WAITS, "other")
    with busy(functions) as running:
        running.start()
        waiting = running.queue("other")
        [first] = running.let_go()
        assert waiting.result(WAIT_S).value != first.value


def test_the_environment_used_the_longest_time_ago_makes_room(start_functions: Callable[..., Functions]) -> None:
    functions = start_functions(environments=2)
    for name in ("it", "other", "third"):
        functions.deploy(WAITS, name)
    functions.invoke()
    other = functions.invoke(name="other").value
    functions.invoke(name="third")
    assert functions.invoke(name="other").value == other


def test_the_most_recently_used_environment_is_first(functions: Functions, busy: Callable[[Functions], Any]) -> None:
    functions.deploy(WAITS)
    with busy(functions) as running:
        running.start(2)
        running.let_go()
    assert functions.invoke().value == functions.invoke().value == functions.invoke().value


def test_closing_refuses_what_waits(
    start_functions: Callable[..., Functions], busy: Callable[[Functions], Any]
) -> None:
    functions = start_functions(environments=1)
    functions.deploy(WAITS)
    with busy(functions) as running:
        running.start()
        waiting = running.queue()
        functions.endpoint.stop()
        with pytest.raises(ClientError, match="Lambda is closing"):
            waiting.result(WAIT_S)


def test_reserved_concurrency_throttles(functions: Functions, busy: Callable[[Functions], Any]) -> None:
    functions.deploy(WAITS, reserved=1)
    with busy(functions) as running:
        running.start()
        response = throttled(functions)
        running.let_go()
    assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert response["Error"] == {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}
    assert response["retryAfterSeconds"] == "1"
    assert functions.invoke().error is None


def test_a_reserve_of_0_lets_nothing_through(functions: Functions) -> None:
    functions.deploy(reserved=0)
    assert throttled(functions)["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_the_accounts_limit_throttles(functions: Functions, busy: Callable[[Functions], Any]) -> None:
    functions.account.concurrency = 2
    functions.deploy(WAITS)
    functions.deploy(WAITS, "reserves", reserved=1)
    functions.invoke(name="reserves")
    with busy(functions) as running:
        running.start()
        assert throttled(functions)["Reason"] == "ConcurrentInvocationLimitExceeded"
        assert functions.invoke(name="reserves").error is None
        running.let_go()


def test_what_has_ended_counts_no_more(functions: Functions) -> None:
    functions.account.concurrency = 1
    functions.deploy("def handler(event, context): return 1 / event")
    assert [functions.invoke(divisor).error for divisor in (1, 0, 1)] == [None, "Unhandled", None]


def reserve_all(functions: Functions) -> None:
    """Let a function ``reserves`` have all of the account's concurrency."""
    functions.account.concurrency = 1
    functions.deploy()
    functions.deploy(name="reserves", reserved=1)
    functions.invoke(name="reserves")
    throttled(functions)


def test_a_reserve_that_is_given_up_is_the_accounts_again(functions: Functions) -> None:
    reserve_all(functions)
    functions.configure("reserves", reserved=None)
    assert functions.invoke(name="reserves").error is None
    assert functions.invoke().error is None


def test_the_reserve_of_a_deleted_function_is_the_accounts_again(functions: Functions) -> None:
    reserve_all(functions)
    functions.endpoint.loop.call_soon_threadsafe(
        functions.endpoint.service.forget, functions.account.functions["reserves"].arn
    )
    assert functions.invoke().error is None


def test_closing_fails_what_runs(functions: Functions, busy: Callable[[Functions], Any]) -> None:
    functions.deploy(WAITS)
    with busy(functions) as running:
        running.start()
        functions.endpoint.stop()
        with pytest.raises(ClientError, match="ServiceException"):
            running.calls[0].result(WAIT_S)
