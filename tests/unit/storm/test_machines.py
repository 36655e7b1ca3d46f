"""Workers on other machines: who may come in, whose clock counts, where the record goes."""

import hmac
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import SimpleQueue

import pytest

from pytest_dsql.storm.run.conductor import Conductor
from pytest_dsql.storm.run.worker import Worker, take_part
from pytest_dsql.storm.workers import clocks, door
from pytest_dsql.storm.workers.clocks import Clock, described
from pytest_dsql.storm.workers.door import HERE, Door, Stranger, guarded, opened
from pytest_dsql.storm.workers.rendezvous import ConnectionEnd, Interrupted, MeetingPoint
from tests.unit.storm.fake_stage import LIMIT_S, LOAD, FakeStage, scenario

Met = SimpleQueue[socket.socket]


@pytest.fixture
def met() -> Iterator[Met]:
    """Who has come in."""
    met: Met = SimpleQueue()
    yield met
    while not met.empty():
        met.get().close()


@pytest.fixture
def entrance(met: Met) -> Iterator[Door]:
    listening, entrance = opened(HERE)
    listener = MeetingPoint(listening, guarded(entrance, met.put))
    yield entrance
    listener.close()


def test_who_knows_the_secret_comes_in(entrance: Door, met: Met) -> None:
    with entrance.enter() as connection, met.get(timeout=LIMIT_S) as conductor:
        conductor.sendall(b"go")
        connection.settimeout(LIMIT_S)
        assert connection.recv(2) == b"go"


def test_who_does_not_is_hung_up_on(entrance: Door, met: Met) -> None:
    with pytest.raises((Stranger, ConnectionError)):
        replace(entrance, secret="guessed").enter()
    assert met.empty()


def test_a_worker_does_not_talk_to_who_does_not_know_it() -> None:
    listening, entrance = opened(HERE)
    stranger = replace(entrance, secret="guessed")
    with listening, ThreadPoolExecutor(1) as threads:
        entering = threads.submit(entrance.enter)
        connection, _ = listening.accept()
        with connection:
            connection.sendall(bytes(door._SIZE))
            connection.recv(2 * door._SIZE)
            connection.sendall(hmac.digest(stranger.secret.encode(), b"conductor", "sha256"))
            with pytest.raises(Stranger, match="does not know this run's secret"):
                entering.result(LIMIT_S)


def test_the_secret_is_never_shown_and_never_sent(entrance: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert entrance.secret not in repr(entrance)
    with socket.create_connection((entrance.host, entrance.port)) as connection:
        connection.settimeout(LIMIT_S)
        assert len(connection.recv(1_024)) == door._SIZE
    assert entrance.secret not in caplog.text


def test_the_quickest_round_trip_says_how_far_a_clock_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    trips = iter([0.5, 0.001, *[0.3] * clocks.TRIPS])
    here = {"monotonic": 100.0, "wall": 5_000.0}

    def ask() -> dict[str, float]:
        trip = next(trips)
        here["monotonic"] += trip
        here["wall"] += trip
        return {"monotonic": here["monotonic"] + 900 - trip / 2, "wall": here["wall"] - 0.25 - trip / 2}

    monkeypatch.setattr(clocks, "now", here.copy)
    monkeypatch.setattr(time, "monotonic", lambda: here["monotonic"])
    clock = Clock.compared(ask)
    assert (clock.offset, clock.ahead, clock.within) == pytest.approx((900.0, 0.25, 0.0005))


def test_skew_is_told_in_ms() -> None:
    told = described([("worker01", Clock("driver2", 900.0, -0.0123, 0.0004))])
    assert told == "worker01 on driver2 12.3 ms behind (± 0.40 ms); all times are by the conductor's"


def test_a_record_comes_home_with_times_by_the_conductors_clock(
    stage: FakeStage, conducted: Conductor, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Clock.compared
    off = threading.Event()

    def compared(ask: Callable[[], Mapping[str, float]]) -> Clock:
        off.set()
        return replace(honest(ask), offset=-1_000.0)

    monkeypatch.setattr(Clock, "compared", compared)
    entrance = conducted.open_door(HERE)
    places: tuple[str | Door, ...] = (conducted.where, entrance)
    with ThreadPoolExecutor(2) as threads:
        workers = (Worker(where, share, 2) for share, where in enumerate(places))
        parts = [threads.submit(take_part, stage, each, scenario(), LOAD) for each in workers]
        assert [part.result(LIMIT_S) for part in parts] == [[], []]
    (result,) = conducted.results
    assert off.is_set()
    assert {path.name for path in result.folder.glob("worker*")} == {"worker00.jsonl", "worker01.jsonl"}
    sent = {call.worker: call.sent for call in result.history.calls}
    # Its clock was said to be 1,000 s behind the conductor's, so the storm began so much later by it than it did.
    assert sent["worker01"] - sent["worker00"] == pytest.approx(-1_000, abs=LIMIT_S)
    assert str(result.history.facts.configuration["clocks"]).startswith("worker01 on ")


def test_a_record_that_cannot_be_sent_ends_the_worker() -> None:
    one, other = socket.socketpair()
    other.close()
    line = ConnectionEnd(one)
    with pytest.raises(Interrupted, match="the conductor is gone"):
        line.send({"record": "x"})
    line.close()
