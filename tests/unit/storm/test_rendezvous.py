import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_dsql.storm.workers import rendezvous
from pytest_dsql.storm.workers.rendezvous import Attendance, ConnectionEnd, Interrupted, MeetingPoint, Message, unix

LIMIT_S = 10.0


@pytest.fixture
def ends() -> Iterator[tuple[ConnectionEnd, ConnectionEnd]]:
    """Both ends of a line."""
    one, other = map(ConnectionEnd, socket.socketpair())
    yield one, other
    one.close()
    other.close()


@pytest.fixture
def raw() -> Iterator[tuple[socket.socket, ConnectionEnd]]:
    """A line, and the socket at its other end."""
    one, other = socket.socketpair()
    line = ConnectionEnd(other)
    yield one, line
    one.close()
    line.close()


class Desk:
    """A listener that answers each message as ``answers`` says, and writes down what it hears.

    An empty answer is not given, None is to hang up.
    """

    def __init__(self, path: str, *answers: Message | None) -> None:
        self._answers = list(answers)
        self.heard: list[Message] = []
        self.path = path
        self.listener = MeetingPoint(unix(Path(path)), lambda connection: self._meet(ConnectionEnd(connection)))

    def _meet(self, line: ConnectionEnd) -> None:
        while (message := line.hear(LIMIT_S)) is not None:
            self.heard.append(message)
            if "progress" in message:
                continue
            answer = self._answers.pop(0)
            if answer is None:
                break
            if answer:
                line.say(answer)
        line.close()


@pytest.fixture
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    desk = Desk(str(tmp_path / "meet"), *request.param)
    yield desk
    desk.listener.close()


def attend(desk: Desk) -> Attendance:
    return Attendance(desk.path, lambda: {"done": 3})


def test_what_is_said_is_heard(ends: tuple[ConnectionEnd, ConnectionEnd]) -> None:
    one, other = ends
    one.say({"go": {"origin": 1.5}})
    one.say({"done": True})
    assert [other.hear(LIMIT_S), other.hear(LIMIT_S)] == [{"go": {"origin": 1.5}}, {"done": True}]


def test_the_end_of_a_line_is_heard(ends: tuple[ConnectionEnd, ConnectionEnd]) -> None:
    one, other = ends
    one.close()
    assert other.hear(LIMIT_S) is None


def test_half_a_message_is_none(raw: tuple[socket.socket, ConnectionEnd]) -> None:
    end, line = raw
    end.sendall(json.dumps({"progress": {}}).encode()[:8])
    end.close()
    assert line.hear(LIMIT_S) is None


def test_silence_has_a_limit(ends: tuple[ConnectionEnd, ConnectionEnd]) -> None:
    with pytest.raises(TimeoutError):
        ends[0].hear(0.01)


def test_who_is_gone_is_told_nothing(ends: tuple[ConnectionEnd, ConnectionEnd]) -> None:
    one, other = ends
    other.close()
    for _ in range(3):
        one.say({"verdict": {}})


def test_a_closed_line_gives_its_descriptor_back() -> None:
    one, other = socket.socketpair()
    with other:
        ConnectionEnd(one).close()
        assert one.fileno() == -1
        other.settimeout(LIMIT_S)
        assert other.recv(1) == b""


@pytest.mark.parametrize("desk", [({"go": {"seed": 7}}, {"verdict": {"findings": ["lost"]}})], indirect=True)
def test_a_worker_is_told_when_to_begin_and_what_was_found(desk: Desk) -> None:
    with attend(desk) as attendance:
        assert attendance.arrive("quiet", 1, 2) == {"seed": 7}
        assert attendance.finish() == {"findings": ["lost"]}
    assert desk.heard[0] == {"arrived": 1, "of": 2, "scenario": "quiet"}
    assert desk.heard[-2:] == [{"progress": {"done": 3}}, {"done": True}]


@pytest.mark.parametrize("desk", [({"go": {}}, {"verdict": {}})], indirect=True)
def test_a_worker_tells_how_far_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendezvous, "TELL_S", 0.01)
    with attend(desk) as attendance:
        attendance.arrive("quiet", 0, 1)
        attendance._teller.join(0.1)
        attendance.finish()
    assert desk.heard.count({"progress": {"done": 3}}) > 1


@pytest.mark.parametrize("desk", [({"failed": "StackFailed: no"},)], indirect=True)
def test_a_failure_is_raised_in_the_conductors_words(desk: Desk) -> None:
    with attend(desk) as attendance, pytest.raises(Interrupted, match="^StackFailed: no$"):
        attendance.arrive("quiet", 0, 1)


@pytest.mark.parametrize("desk", [(None,), ({"go": {}}, None)], ids=["at first", "at last"], indirect=True)
def test_a_conductor_that_is_gone_is_noticed(desk: Desk) -> None:
    def whole(attendance: Attendance) -> None:
        attendance.arrive("quiet", 0, 1)
        attendance.finish()

    with attend(desk) as attendance, pytest.raises(Interrupted, match="the conductor is gone"):
        whole(attendance)


@pytest.mark.parametrize("desk", [({},)], indirect=True)
def test_a_worker_does_not_wait_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendezvous, "START_LIMIT_S", 0.02)
    with attend(desk) as attendance, pytest.raises(Interrupted, match="no go within 0 s"):
        attendance.arrive("quiet", 0, 1)
