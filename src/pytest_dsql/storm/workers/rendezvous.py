"""Where the workers of a storm meet its conductor: one socket, JSON lines, nobody polls.

A worker says ``{"arrived": share, "of": shares, "scenario": name}`` and waits for ``{"go": …}``, tells how far it is
(``{"progress": …}``), says ``{"done": true}`` and waits for ``{"verdict": …}``. Whoever is gone before it has said so
is lost.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

Message = dict[str, Any]
START_LIMIT_S: Final = 300.0
"""How long a worker waits for the others: 32 of them take half a minute to start on two cores."""
VERDICT_LIMIT_S: Final = 600.0
TELL_S: Final = 0.5


class Interrupted(Exception):
    """The other end is gone, or says why it cannot go on."""


class Line:
    """One end of a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._lines = connection, connection.makefile("r", encoding="utf-8")
        self._lock = threading.Lock()

    def say(self, message: Message) -> None:
        """Send a message; a listener that is gone is no reason to stop."""
        with self._lock, contextlib.suppress(OSError):
            self._connection.sendall(json.dumps(message).encode() + b"\n")

    def hear(self, limit_s: float | None = None) -> Message | None:
        """Wait for a message; None where the other end is gone. Raises TimeoutError."""
        self._connection.settimeout(limit_s)
        try:
            line = self._lines.readline()
        except ConnectionError:
            return None
        return json.loads(line) if line.endswith("\n") else None

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._lines.close()
        self._connection.close()


class Listener:
    """The conductor's end: ``meet`` is called with each line, in a thread of its own."""

    def __init__(self, path: Path, meet: Callable[[Line], None]) -> None:
        self._meet = meet
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen(128)
        threading.Thread(target=self._accept, name="storm-listener", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._meet, args=(Line(connection),), name="storm-line", daemon=True).start()

    def close(self) -> None:
        """Meet nobody more."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Attendance:
    """A worker's end, for one storm. ``progress`` says how far it is, in what a JSON line can hold."""

    def __init__(self, path: str, progress: Callable[[], Message]) -> None:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        self._line, self._progress = Line(connection), progress
        self._over = threading.Event()

    def arrive(self, scenario: str, share: int, shares: int) -> Message:
        """Wait until all are there; return what the conductor says. Raises Interrupted."""
        self._line.say({"arrived": share, "of": shares, "scenario": scenario})
        told = self._await("go", START_LIMIT_S)
        self._teller = threading.Thread(target=self._tell, name="storm-progress", daemon=True)
        self._teller.start()
        return told

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
