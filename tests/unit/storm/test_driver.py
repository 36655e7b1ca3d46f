import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_dsql.storm.record import record
from pytest_dsql.storm.record.model import Call, Facts, History
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.record.record import Recorder
from pytest_dsql.storm.run import driver
from pytest_dsql.storm.run.driver import Driver, config
from pytest_dsql.storm.run.invocations import HttpReply, Invocations
from pytest_dsql.storm.transfers.answer import THROTTLED
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.workers.tally import KEPT_LATENCIES, Tally
from tests.unit.storm.lambda_endpoint import Endpoint, Said, failed, refused

BALANCE = {"balance": 90, "duration": 3.5, "retries": 2}
LIMIT_S = 10

Answer = Callable[[int], Any]
Drive = Callable[..., tuple[History, Tally, Endpoint]]


class Clock:
    """Time that goes on by so much with each look at it."""

    def __init__(self, step: float) -> None:
        self._step, self._now = step, 0.0

    def __call__(self) -> float:
        self._now += self._step
        return self._now


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Endpoint]]:
    """Start an endpoint whose calls are answered by their number."""
    started: list[Endpoint] = []

    def serve(answer: Answer) -> Endpoint:
        started.append(Endpoint(lambda _event, number: answer(number)))
        return started[-1]

    yield serve
    for endpoint in started:
        endpoint.close()


@pytest.fixture
def drive(tmp_path: Path, serve: Callable[[Answer], Endpoint]) -> Drive:
    """Have calls made; give what the record says of them, the driver's own count, and who answered."""

    def drive(answer: Answer = lambda _: BALANCE, calls: int = 1, parallel: int = 1, **more: Any) -> Any:
        endpoint = serve(answer)
        load = Load(calls, parallel, 10, seed=1, rate=more.pop("rate", None), once=more.pop("once", False))
        tally = Tally()
        with Invocations(endpoint.way(), parallel) as line, Recorder(tmp_path, "worker00") as recorder:
            made = Driver(line, endpoint.client(), "transfer", recorder, tally, more.pop("origin", 0.0), **more)
            made.run(load, 0, 1)
        return record.read(tmp_path, Facts(planned=calls, accounts=10, opening=100, closing={})), tally, endpoint

    return drive


def only(history: History) -> Call:
    (call,) = history.calls
    return call


def test_every_call_is_sent_once_and_answered(drive: Drive) -> None:
    history, tally, endpoint = drive(calls=100, parallel=8)
    load = Load(100, 8, accounts=10, seed=1)
    planned = [(t.payer_id, t.payee_id, t.amount) for t in map(load.transfer, range(100))]
    assert [(call.payer, call.payee, call.amount) for call in history.calls] == planned
    assert sorted((p["payer_id"], p["payee_id"], p["amount"]) for p in endpoint.payloads) == sorted(planned)
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

    drive(answer)


class Waves:
    """A line on which all that is out is answered at once, each time that somebody waits."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._out: list[Any] = []

    def send(self, token: Any, _content: bytes) -> None:
        self._out.append(token)

    def wait(self, _limit_s: float) -> list[tuple[Any, HttpReply]]:
        out, self._out = self._out, []
        self.sizes.append(len(out))
        return [(token, HttpReply(200, b"", json.dumps(BALANCE).encode())) for token in out]

    def wake(self) -> None:
        pass


def test_more_and_more_calls_go_out_until_as_many_are_in_flight_as_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "OPENING", 6)
    line = Waves()
    with Recorder(tmp_path, "worker01") as recorder:
        Driver(line, None, "transfer", recorder, Tally(), 0.0).run(Load(90, 32, 10, seed=1), 1, 2)
    assert line.sizes == [4, 8, 16, 16, 1]


def test_one_call_in_a_thousand_goes_by_boto3(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "BY_BOTO3", 10)
    made, by_boto3 = driver.by_boto3, list[int]()

    def counted(*asked: Any) -> Any:
        by_boto3.append(1)
        return made(*asked)

    monkeypatch.setattr(driver, "by_boto3", counted)
    history, _, _ = drive(calls=30, parallel=4)
    assert sum(by_boto3) == 3
    assert {(call.outcome, call.retries, call.duration_ms) for call in history.calls} == {(Outcome.COMMITTED, 2, 3.5)}


@pytest.mark.parametrize(
    ("answer", "code", "outcome"),
    [
        (lambda _: Said(hang_up=True), "ConnectionClosedError", Outcome.UNKNOWN),
        (lambda _: refused("ServiceException", 500), "ServiceException", Outcome.UNKNOWN),
        (lambda _: failed({"errorType": "Runtime.ExitError"}), "Runtime.ExitError", Outcome.UNKNOWN),
    ],
    ids=["hung up", "service error", "function error"],
)
def test_what_may_have_been_made_is_not_sent_twice(drive: Drive, answer: Answer, code: str, outcome: Outcome) -> None:
    history, _, endpoint = drive(answer, calls=5)
    assert len(endpoint.payloads) == 5
    assert {(call.code, call.outcome) for call in history.calls} == {(code, outcome)}


def test_a_tally_keeps_few_latencies_between_two_words() -> None:
    tally = Tally()
    for _ in range(KEPT_LATENCIES + 1):
        tally.add(Outcome.COMMITTED, 0, 1.0)
    told = tally.taken()
    assert (told["done"], len(told["latencies"])) == (KEPT_LATENCIES + 1, KEPT_LATENCIES)


def test_botocore_sends_nothing_twice_either() -> None:
    assert config().retries == {"total_max_attempts": 1, "mode": "standard"}


def test_a_throttled_call_is_offered_again(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "THROTTLE_PAUSE_S", (0.001, 0.002))

    def answer(number: int) -> Any:
        return BALANCE if number >= 3 else refused(THROTTLED)

    history, tally, endpoint = drive(answer)
    assert (only(history).outcome, only(history).throttles, tally.done) == (Outcome.COMMITTED, 3, 1)
    assert all(payload == endpoint.payloads[0] for payload in endpoint.payloads)


def test_pauses_between_offers_grow_to_a_limit(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    def uniform(_: float, longest: float) -> float:
        pauses.append(longest)
        return 0.0

    monkeypatch.setattr(driver, "random", SimpleNamespace(uniform=uniform))
    drive(lambda number: BALANCE if number >= 7 else refused(THROTTLED))
    assert pauses == [0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5]


def test_a_call_that_stays_throttled_is_given_up(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "THROTTLE_PAUSE_S", (0.0, 0.0))
    history, _, endpoint = drive(lambda _: refused(THROTTLED), clock=Clock(driver.THROTTLE_LIMIT_S / 20))
    assert (only(history).outcome, only(history).code) == (Outcome.REFUSED, THROTTLED)
    assert 1 < only(history).throttles + 1 == len(endpoint.payloads) <= 12


def test_latency_counts_from_when_a_call_was_due(drive: Drive) -> None:
    history, tally, _ = drive(calls=2, rate=1_000.0, clock=Clock(1.0))
    first, second = history.calls
    assert (first.due, second.due) == (0.0, 0.001)
    assert second.sent > second.due
    assert second.answered is not None
    assert tally.latencies[1] == pytest.approx((second.answered - second.due) * 1000)


def test_a_failure_by_boto3_is_raised(drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr(driver, "by_boto3", broken)
    with pytest.raises(KeyError, match="no such thing"):
        drive(calls=10, parallel=4)
    assert record.read(tmp_path, Facts(planned=10, accounts=10, opening=100, closing={})).lost_workers == ("worker00",)


def test_a_call_with_an_id_is_sent_again_where_nobody_knows_of_it(drive: Drive) -> None:
    history, tally, endpoint = drive(lambda number: BALANCE if number >= 2 else Said(hang_up=True), once=True)
    call = only(history)
    assert (call.outcome, tally.outcomes) == (Outcome.COMMITTED, {"committed": 1})
    assert [each.code for each in call.earlier] == ["ConnectionClosedError"] * 2
    assert [payload["transfer_id"] for payload in endpoint.payloads] == [call.transfer_id] * 3


def test_a_call_with_an_id_is_sent_so_often_and_no_more(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "THROTTLE_PAUSE_S", (0.0, 0.0))
    history, _, endpoint = drive(lambda _: Said(hang_up=True), once=True)
    assert len(endpoint.payloads) == len(only(history).earlier) + 1 == driver.SENDINGS


def test_a_refusal_tells_nothing_of_a_sending_before(drive: Drive) -> None:
    poor = {"error": "too little", "error_code": "insufficient_balance", "duration": 1.0, "retries": 0}
    history, tally, _ = drive(lambda number: poor if number else Said(hang_up=True), once=True)
    assert (only(history).outcome, tally.outcomes) == (Outcome.UNKNOWN, {"unknown": 1})
    assert only(history).code == "insufficient_balance"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Have Ctrl-C raise KeyboardInterrupt, also where the tests were started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.timeout(LIMIT_S)
def test_an_interrupt_ends_the_calls(
    drive: Drive, interruptible: None, serve: Callable[[Answer], Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "WAIT_S", 0.05)
    left, made = threading.Event(), []

    def answer(number: int) -> Any:
        made.append(number)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        left.wait(LIMIT_S)
        return BALANCE

    with pytest.raises(KeyboardInterrupt):
        drive(answer, calls=100)
    left.set()
    assert made == [0]


@pytest.mark.timeout(LIMIT_S)
def test_a_call_is_not_sent_before_it_is_due(drive: Drive) -> None:
    began = time.monotonic()
    history, _, _ = drive(calls=4, parallel=4, rate=20.0, origin=began)
    assert all(call.due <= call.sent for call in history.calls)
    assert time.monotonic() - began >= 3 / 20
