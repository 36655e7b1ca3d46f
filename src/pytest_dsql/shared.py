"""What is started once for a run: by who asks first, in the run's own process, for all workers of pytest-xdist."""

import contextlib
import json
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

ANSWER_LIMIT_S: Final = 120.0
_MOST: Final = 64 * 1024

Told = dict[str, Any]
Start = Callable[[contextlib.ExitStack], Told]


class NotStarted(Exception):
    """It could not be started; the text says why."""


class Shared:
    """The run's own end. ``start`` is called once, when somebody asks, and returns what is to be known of it.

    What it enters into the stack given to it is left by ``close``. ``listen`` returns where workers ask.
    """

    def __init__(self, start: Start) -> None:
        self._start = start
        self._stack = contextlib.ExitStack()
        self._lock = threading.Lock()
        self._told: Told | None = None
        self._listening: socket.socket | None = None

    def get(self) -> Told:
        """Return what is known of it, started where it is not; raise what starting raises."""
        with self._lock:
            if self._told is None:
                self._told = self._start(self._stack)
            return self._told

    def listen(self) -> str:
        """Listen for workers; return the path where."""
        if self._listening is None:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="dsql-run-"))
            self._listening = self._stack.enter_context(socket.socket(socket.AF_UNIX))
            self._listening.bind(str(Path(folder) / "ask"))
            self._listening.listen(128)
            threading.Thread(target=self._serve, args=(self._listening,), name="dsql-shared", daemon=True).start()
        return str(self._listening.getsockname())

    def _serve(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.sendall(json.dumps(self._answer()).encode())

    def _answer(self) -> dict[str, Any]:
        try:
            return {"told": self.get()}
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker is to hear of it
            return {"error": str(error)}

    def close(self) -> None:
        """Hang up, and end what was started."""
        if self._listening:
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
        self._stack.close()


def ask(path: str) -> Told:
    """Return what the run's own process knows, asked from a worker; raise NotStarted."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_LIMIT_S)
        connection.connect(path)
        answer = b"".join(iter(lambda: connection.recv(_MOST), b""))
    said = json.loads(answer or '{"error": "the run is over"}')
    if "error" in said:
        raise NotStarted(said["error"])
    return dict(said["told"])
