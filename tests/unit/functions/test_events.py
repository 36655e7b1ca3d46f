"""Asynchronous invocations."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_dsql.local.functions.invoke import facts
from tests.unit.functions.endpoint import WAIT_S, Functions

COUNTS = """
    import pathlib
    def handler(event, context):
        file = pathlib.Path(event["file"])
        with file.open("a") as lines: lines.write(context.aws_request_id + "\\n")
        if len(file.read_text().splitlines()) <= event["failures"]: raise ValueError("again")
        print("done")
"""


async def waiting(functions: Functions) -> int:
    """Return how many events wait or run, each after its first attempt."""
    await asyncio.sleep(0)
    return len(functions.endpoint.service._events._tasks._running)


def test_an_event_is_accepted_and_run(functions: Functions) -> None:
    functions.deploy("def handler(event, context): print(event['greeting'])")
    answer = functions.invoke({"greeting": "hello"}, InvocationType="Event")
    assert (answer.status, answer.payload) == (202, b"")
    assert any(line == "hello" for line in functions.account.wait_for_line("REPORT"))


def test_an_event_that_fails_is_tried_twice_more_as_the_same_request(
    start_functions: Callable[..., Functions], tmp_path: Path
) -> None:
    functions = start_functions(retry_delays_s=(0.01, 0.01))
    functions.deploy(COUNTS)
    answer = functions.invoke({"file": str(tmp_path / "calls"), "failures": 2}, InvocationType="Event")
    functions.account.wait_for_line("done")
    assert (tmp_path / "calls").read_text().splitlines() == [answer.headers["x-amzn-requestid"]] * 3


def test_an_event_that_fails_three_times_is_dropped(start_functions: Callable[..., Functions], tmp_path: Path) -> None:
    functions = start_functions(retry_delays_s=(0.01, 0.01))
    functions.deploy(COUNTS)
    functions.invoke({"file": str(tmp_path / "calls"), "failures": 9}, InvocationType="Event")
    account = functions.account
    with account.written:
        assert account.written.wait_for(lambda: sum("REPORT" in line for line in account.lines()) == 3, WAIT_S)
        assert not account.written.wait_for(lambda: len((tmp_path / "calls").read_text().splitlines()) > 3, 0.1)


def test_an_event_that_is_throttled_is_run_later(functions: Functions) -> None:
    functions.deploy("def handler(event, context): print('done')", reserved=1)
    concurrency, function = functions.endpoint.service._concurrency, functions.account.functions["it"]
    concurrency.enter(function)
    functions.invoke(InvocationType="Event")
    # What the loop is given now, it does after the first attempt.
    functions.endpoint.loop.call_soon_threadsafe(concurrency.leave, function)
    functions.account.wait_for_line("done")


def test_an_event_without_any_concurrency_is_dropped(functions: Functions) -> None:
    functions.deploy("def handler(event, context): print('done')", reserved=0)
    assert functions.invoke(InvocationType="Event").status == 202
    assert functions.endpoint.run(waiting(functions)) == 0
    assert functions.account.lines() == []


def test_an_event_that_waits_for_a_deleted_function_is_dropped(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "THROTTLED_EVENT_DELAYS_S", (0.01, 0.01))
    functions.deploy("def handler(event, context): print('done')", reserved=1)
    concurrency, function = functions.endpoint.service._concurrency, functions.account.functions["it"]
    concurrency.enter(function)
    functions.invoke(InvocationType="Event")
    assert functions.endpoint.run(waiting(functions)) == 1
    del functions.account.functions["it"]
    until = time.monotonic() + WAIT_S
    while functions.endpoint.run(waiting(functions)):
        assert time.monotonic() < until
    assert functions.account.lines() == []


def test_events_that_wait_end_with_the_service(functions: Functions) -> None:
    functions.deploy("def handler(event, context): raise ValueError")
    functions.invoke(InvocationType="Event")
    functions.account.wait_for_line("REPORT")
    functions.endpoint.stop()
