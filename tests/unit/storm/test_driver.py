import io
import json
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from storm import driver, record
from storm.answer import THROTTLED, Meaning, Outcome
from storm.driver import Driver, Tally, config
from storm.model import Call, Facts, History
from storm.plan import Load
from storm.record import Recorder

BALANCE = {"balance": 90, "duration": 3.5, "retries": 2}
LIMIT_S = 10

Drive = Callable[..., tuple[History, Tally]]


class Client:
    """Lambda's client, as far as a driver uses it: each call is answered by ``answer``, or raises what that raises."""

    def __init__(self, answer: Callable[[int], Any] = lambda _: BALANCE) -> None:
        self._answer = answer
        self.payloads: list[dict[str, int]] = []
        self._lock = threading.Lock()

    def invoke(self, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert FunctionName == "transfer"
        with self._lock:
            self.payloads.append(json.loads(Payload))
            number = len(self.payloads) - 1
        answer = self._answer(number)
        return answer if "Payload" in answer else {"Payload": io.BytesIO(json.dumps(answer).encode())}


def failed(error: Exception) -> Callable[[int], Any]:
    """Answer every call with an error of the client."""

    def answer(_: int) -> Any:
        raise error

    return answer


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Invoke")


class Clock:
    """Time that goes on by so much with each look at it."""

    def __init__(self, step: float) -> None:
        self._step, self._now = step, 0.0

    def __call__(self) -> float:
        self._now += self._step
        return self._now


@pytest.fixture
def drive(tmp_path: Path) -> Drive:
    """Have a client's calls made; give what the record says of them, and the driver's own count."""

    def drive(client: Client, calls: int = 1, parallel: int = 1, **more: Any) -> tuple[History, Tally]:
        load = Load(calls, parallel, accounts=10, seed=1, rate=more.pop("rate", None))
        tally = Tally()
        with Recorder(tmp_path, "worker00") as recorder:
            Driver(client, "transfer", recorder, tally, more.pop("origin", 0.0), **more).run(load, 0, 1)
        return record.read(tmp_path, Facts(calls, 10, 100, {})), tally

    return drive


def only(history: History) -> Call:
    (call,) = history.calls
    return call


def test_every_call_is_sent_once_and_answered(drive: Drive) -> None:
    client = Client()
    history, tally = drive(client, calls=100, parallel=8)
    load = Load(100, 8, accounts=10, seed=1)
    planned = [(t.payer_id, t.payee_id, t.amount) for t in map(load.transfer, range(100))]
    assert [(call.payer, call.payee, call.amount) for call in history.calls] == planned
    assert sorted((p["payer_id"], p["payee_id"], p["amount"]) for p in client.payloads) == sorted(planned)
    assert {call.outcome for call in history.calls} == {Outcome.COMMITTED}
    assert not history.stray_answers
    taken = tally.taken()
    assert (taken["done"], taken["retries"], taken["outcomes"]) == (100, 200, {"committed": 100})
    assert (len(taken["latencies"]), tally.taken()["latencies"]) == (100, [])


def test_a_call_is_on_record_before_it_goes_out(drive: Drive, tmp_path: Path) -> None:
    def answer(_: int) -> Any:
        lines = [json.loads(line) for line in (tmp_path / "worker00.jsonl").read_text().splitlines()]
        assert [next(iter(line)) for line in lines] == ["begun", "sent"]
        return BALANCE

    drive(Client(answer))


@pytest.mark.parametrize(
    ("answer", "code", "outcome"),
    [
        (failed(ReadTimeoutError(endpoint_url="http://lambda")), "ReadTimeoutError", Outcome.UNKNOWN),
        (failed(refused("ServiceException")), "ServiceException", Outcome.UNKNOWN),
        (
            lambda _: {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorType": "Runtime.ExitError"}')},
            "Runtime.ExitError",
            Outcome.UNKNOWN,
        ),
    ],
    ids=["read timeout", "service error", "function error"],
)
def test_what_may_have_been_made_is_not_sent_twice(
    drive: Drive, answer: Callable[[int], Any], code: str, outcome: Outcome
) -> None:
    client = Client(answer)
    history, _ = drive(client, calls=5)
    assert len(client.payloads) == 5
    assert {(call.code, call.outcome) for call in history.calls} == {(code, outcome)}


def test_a_tally_keeps_few_latencies_between_two_words() -> None:
    tally = Tally()
    for _ in range(driver.KEPT_LATENCIES + 1):
        tally.add(Meaning(Outcome.COMMITTED), 1.0)
    told = tally.taken()
    assert (told["done"], len(told["latencies"])) == (driver.KEPT_LATENCIES + 1, driver.KEPT_LATENCIES)


def test_botocore_sends_nothing_twice_either() -> None:
    settings = config(31)
    assert settings.retries == {"total_max_attempts": 1, "mode": "standard"}
    assert settings.max_pool_connections == 31


def test_a_throttled_call_is_offered_again(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "THROTTLE_PAUSE_S", (0.001, 0.002))

    def answer(number: int) -> Any:
        return BALANCE if number >= 3 else failed(refused(THROTTLED))(number)

    client = Client(answer)
    history, tally = drive(client)
    assert (only(history).outcome, only(history).throttles, tally.done) == (Outcome.COMMITTED, 3, 1)
    assert all(payload == client.payloads[0] for payload in client.payloads)


def test_pauses_between_offers_grow_to_a_limit(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    def uniform(_: float, longest: float) -> float:
        pauses.append(longest)
        return 0.0

    monkeypatch.setattr(driver, "random", SimpleNamespace(uniform=uniform))
    drive(Client(lambda number: BALANCE if number >= 7 else failed(refused(THROTTLED))(number)))
    assert pauses == [0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5]


def test_a_call_that_stays_throttled_is_given_up(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "THROTTLE_PAUSE_S", (0.0, 0.0))
    client = Client(failed(refused(THROTTLED)))
    history, _ = drive(client, clock=Clock(driver.THROTTLE_LIMIT_S / 10))
    assert (only(history).outcome, only(history).code) == (Outcome.REFUSED, THROTTLED)
    assert 5 < only(history).throttles + 1 == len(client.payloads) <= 12


def test_latency_counts_from_when_a_call_was_due(drive: Drive) -> None:
    history, tally = drive(Client(), calls=2, rate=1_000.0, clock=Clock(1.0))
    first, second = history.calls
    assert (first.due, second.due) == (0.0, 0.001)
    assert second.sent > second.due
    assert second.answered is not None
    assert tally.latencies[1] == pytest.approx((second.answered - second.due) * 1000)


def test_a_failure_in_a_thread_is_raised(drive: Drive, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="no such thing"):
        drive(Client(failed(KeyError("no such thing"))), calls=10, parallel=4)
    assert record.read(tmp_path, Facts(10, 10, 100, {})).lost_workers == ("worker00",)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Have Ctrl-C raise KeyboardInterrupt, also where the tests were started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.timeout(LIMIT_S)
def test_an_interrupt_ends_the_calls(drive: Drive, interruptible: None) -> None:
    left = threading.Event()

    def answer(_: int) -> Any:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        left.wait(LIMIT_S)
        return BALANCE

    client = Client(answer)
    with pytest.raises(KeyboardInterrupt):
        drive(client, calls=100)
    working = [thread for thread in threading.enumerate() if thread.name.startswith("storm-")]
    left.set()
    for thread in working:
        thread.join(LIMIT_S)
    assert len(client.payloads) == 1


@pytest.mark.timeout(LIMIT_S)
def test_a_failure_ends_the_wait_for_calls_to_come(drive: Drive) -> None:
    looks = threading.Semaphore(0)

    def clock() -> float:
        looks.release()
        return 0.0

    def answer(number: int) -> Any:
        # Three looks at the clock are this call's own; then each of the others has one before it waits.
        assert number > 0 or all(looks.acquire(timeout=LIMIT_S) for _ in range(3 + 3))
        raise KeyError("no such thing")

    client = Client(answer)
    with pytest.raises(KeyError):
        drive(client, calls=8, parallel=4, rate=0.01, clock=clock)
    assert len(client.payloads) == 1


@pytest.mark.timeout(LIMIT_S)
def test_a_failure_ends_the_offering_of_a_throttled_call(drive: Drive) -> None:
    throttled = threading.Event()

    def answer(number: int) -> Any:
        if number == 0:
            throttled.wait(LIMIT_S)
            raise KeyError("no such thing")
        throttled.set()
        raise refused(THROTTLED)

    client = Client(answer)
    with pytest.raises(KeyError):
        drive(client, calls=2, parallel=2)
    assert len(client.payloads) < 10
