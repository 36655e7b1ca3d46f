"""Where the workers of a storm meet its conductor: one socket, JSON lines, nobody polls.

A worker says ``{"arrived": share, "of": shares, "scenario": name}`` and waits for ``{"go": …}``, tells how far it is
(``{"progress": …}``), says ``{"done": true}`` and waits for ``{"verdict": …}``. Whoever is gone before it has said so
is lost. One on another machine asks for the time before (``{"time": …}``), and sends its record as it is made
(``{"record": …}``).
"""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from pytest_dsql.storm.record.journal import Sink
from pytest_dsql.storm.workers.clocks import Clock
from pytest_dsql.storm.workers.door import Door

Message = dict[str, Any]
START_LIMIT_S: Final = 300.0
"""How long a worker waits for the others: 32 of them take half a minute to start on two cores."""
VERDICT_LIMIT_S: Final = 600.0
TELL_S: Final = 0.5


class Interrupted(Exception):
    """The other end is gone, or says why it cannot go on."""


class ConnectionEnd:
    """One end of a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._lines = connection, connection.makefile("r", encoding="utf-8")
        self._lock = threading.Lock()

    def say(self, message: Message) -> None:
        """Send a message; a listener that is gone is no reason to stop."""
        with self._lock, contextlib.suppress(OSError):
            self._connection.sendall(json.dumps(message).encode() + b"\n")

    def send(self, message: Message) -> None:
        """Send a message that has to arrive; raise Interrupted where it cannot."""
        try:
            with self._lock:
                self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            raise Interrupted("the conductor is gone") from None

    def hear(self, limit_s: float | None = None) -> Message | None:
        """Wait for a message; None where the other end is gone, its machine perhaps. Raises TimeoutError."""
        self._connection.settimeout(limit_s)
        try:
            line = self._lines.readline()
        except TimeoutError:
            if limit_s is None:  # keepalive has given up
                return None
            raise
        except OSError:
            return None
        return json.loads(line) if line.endswith("\n") else None

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._lines.close()
        self._connection.close()


def unix(path: Path) -> socket.socket:
    """Listen on a path, for workers on this machine."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen(128)
    return listening


class MeetingPoint:
    """The conductor's end: ``meet`` is called with each connection, in a thread of its own."""

    def __init__(self, listening: socket.socket, meet: Callable[[socket.socket], None]) -> None:
        self._socket, self._meet = listening, meet
        threading.Thread(target=self._accept, name="storm-listener", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._meet, args=(connection,), name="storm-line", daemon=True).start()

    def close(self) -> None:
        """Meet nobody more."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _entered(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return connection


class Home:
    """Sends a record to the conductor as it is made."""

    def __init__(self, line: ConnectionEnd) -> None:
        self._line = line

    def append(self, lines: bytes) -> None:
        """Send lines; raise Interrupted where the conductor is gone."""
        if lines:
            self._line.send({"record": lines.decode()})

    def close(self) -> None:
        """Do nothing: the line goes on."""


class Attendance:
    """A worker's end, for one storm: at a socket's path, or from another machine at a door.

    ``progress`` says how far it is, in what a JSON line can hold. Raises OSError where the conductor is not there, and
    Stranger where somebody else is.
    """

    def __init__(self, where: str | Door, progress: Callable[[], Message]) -> None:
        self._far, self._progress = isinstance(where, Door), progress
        self._line = ConnectionEnd(where.enter() if isinstance(where, Door) else _entered(where))
        self._over = threading.Event()

    def arrive(self, scenario: str, share: int, shares: int) -> Message:
        """Wait until all are there; return what the conductor says, ``origin`` by this machine's clock.

        Raises Interrupted.
        """
        clock = Clock.compared(self._time) if self._far else None
        told_of = {"clock": clock.told()} if clock else {}
        self._line.say({"arrived": share, "of": shares, "scenario": scenario, **told_of})
        told = self._await("go", START_LIMIT_S)
        if clock:
            told["origin"] -= clock.offset
        self._teller = threading.Thread(target=self._tell, name="storm-progress", daemon=True)
        self._teller.start()
        return told

    def record(self, told: Message) -> Path | Sink:
        """Return where this worker's record goes: a folder, or home over the line."""
        return Home(self._line) if self._far else Path(told["folder"])

    def _time(self) -> Message:
        self._line.say({"time": True})
        return self._await("time", START_LIMIT_S)

    def finish(self) -> Message:
        """Say that this worker is done and wait for the verdict on all. Raises Interrupted."""
        self._over.set()
        self._teller.join(TELL_S * 10)
        self._line.say({"progress": self._progress()})
        self._line.say({"done": True})
        return self._await("verdict", VERDICT_LIMIT_S)

    def _await(self, what: str, limit_s: float) -> Message:
        try:
            message = self._line.hear(limit_s)
        except TimeoutError:
            raise Interrupted(f"no {what} within {limit_s:.0f} s") from None
        if message is None or what not in message:
            raise Interrupted((message or {}).get("failed", "the conductor is gone"))
        told: Message = message[what]
        return told

    def _tell(self) -> None:
        while not self._over.wait(TELL_S):
            self._line.say({"progress": self._progress()})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._line.close()
