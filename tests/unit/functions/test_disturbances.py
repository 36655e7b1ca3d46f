"""What a test does to the callers of a function, and what they are told."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.unit.functions.endpoint import WAIT_S, Functions, InvokeAnswer

COUNTS = """
    calls = 0
    def handler(event, context):
        global calls
        calls += 1
        return calls
"""


@pytest.fixture
def counting(functions: Functions) -> Functions:
    """A function that has run once."""
    functions.deploy(COUNTS)
    assert functions.invoke().value == 1
    return functions


@pytest.mark.parametrize(("action", "ran"), [("fail_before", 0), ("fail_after", 1)])
def test_an_error_of_the_service(counting: Functions, action: str, ran: int) -> None:
    counting.disturb(action)
    with pytest.raises(ClientError, match="internal error") as caught:
        counting.invoke()
    assert caught.value.response["Error"]["Code"] == "ServiceException"
    assert counting.invoke().value == 2 + ran


@pytest.mark.parametrize(("action", "ran"), [("reset_before", 0), ("reset_after", 1)])
def test_a_connection_that_is_reset(counting: Functions, action: str, ran: int) -> None:
    counting.disturb(action)
    with pytest.raises(ConnectionClosedError):
        counting.invoke()
    assert counting.invoke().value == 2 + ran


def test_a_late_answer(counting: Functions) -> None:
    counting.disturb("slow", seconds=0.3)
    began = time.monotonic()
    assert counting.invoke().value == 2
    assert time.monotonic() - began >= 0.3


def test_it_is_for_so_many_and_counted_and_taken_back(counting: Functions) -> None:
    counting.disturb("fail_before", times=2)
    for _ in range(2):
        with pytest.raises(ClientError):
            counting.invoke()
    assert counting.invoke().value == 2
    assert counting.disturb(None) == 2
    counting.disturb("fail_before", times=10)
    assert counting.disturb(None) == 0
    assert counting.invoke().value == 3


def test_it_is_one_functions_own(counting: Functions) -> None:
    counting.deploy(name="other")
    counting.disturb("fail_before")
    assert counting.invoke("it", name="other").value == "it"


def test_what_cannot_be_is_said(functions: Functions) -> None:
    with pytest.raises(ValueError, match="action: there is no nonsense; there are slow, "):
        functions.disturb("nonsense")
    with pytest.raises(ValueError, match="cause: there is no nonsense; there are killed, "):
        functions.kill("it", 1, "nonsense")


@pytest.fixture
def calling() -> Iterator[Callable[[Functions], Future[InvokeAnswer]]]:
    """Call a function that says that it waits, and come back when it does."""
    with ThreadPoolExecutor(1) as threads:

        def call(functions: Functions) -> Future[InvokeAnswer]:
            answer = threads.submit(functions.invoke, 60)
            functions.account.wait_for_line("waits")
            return answer

        yield call


@pytest.mark.parametrize(
    ("cause", "kind", "text"),
    [
        ("killed", "Runtime.ExitError", "Runtime exited with error: signal: killed"),
        ("memory", "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"),
        ("time", "Sandbox.Timedout", "Task timed out after 10.00 seconds"),
    ],
)
def test_an_environment_is_killed_for_a_reason(
    functions: Functions, calling: Callable[[Functions], Future[InvokeAnswer]], cause: str, kind: str, text: str
) -> None:
    functions.deploy("import time\ndef handler(event, context): print('waits', flush=True) or time.sleep(event)")
    call = calling(functions)
    assert functions.kill("it", 5, cause) == 1
    told = call.result(WAIT_S).value
    assert (told["errorType"], text in told["errorMessage"]) == (kind, True)
    assert functions.invoke(0).error is None
