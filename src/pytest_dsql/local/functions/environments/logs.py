"""Log streams: lines are gathered here and written in batches, since the account's log is slow."""

import asyncio
import os
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from pytest_dsql.local.functions.invoke import facts

FLUSH_S: Final = 1.0
"""How long a line may wait to be written."""
Write = Callable[[str, str, Sequence[tuple[int, str]]], None]
"""Group, stream, events: ms since the epoch and text."""


class Stream:
    """The log of one environment."""

    def __init__(self, logs: "Logs", group: str, version: str) -> None:
        self.group = group
        self.name = f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{uuid.uuid4().hex}"
        self.tail: list[str] | None = None
        """Lines of the current invocation, where its caller asked for them."""
        self.events: list[tuple[int, str]] = []
        """What is still to be written."""
        self._logs = logs

    def append(self, text: str) -> None:
        """Add a line."""
        if not self.events:
            self._logs.changed(self)
        self.events.append((int(time.time() * 1000), text))
        if self.tail is not None:
            self.tail.append(text)

    def end_of_log(self) -> bytes:
        """Return the end of what was written since ``tail`` was set."""
        text = "".join(f"{line}\n" for line in self.tail or ())
        return text.encode()[-facts.LOG_TAIL :]


class Logs:
    """All streams that have something to be written."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._changed: list[Stream] = []
        self._timer: asyncio.TimerHandle | None = None

    def changed(self, stream: Stream) -> None:
        """See to it that a stream is written soon."""
        self._changed.append(stream)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Write what there is."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        while self._changed:
            stream = self._changed.pop()
            events, stream.events = stream.events, []
            self._write(stream.group, stream.name, events)


class Output:
    """The reading end of what an environment's process prints; every line becomes an event of its stream."""

    def __init__(self, descriptor: int, stream: Stream, task_root: str) -> None:
        self._descriptor, self._stream, self._task_root = descriptor, stream, task_root
        self._partial = b""
        self._open = True
        os.set_blocking(descriptor, False)
        asyncio.get_running_loop().add_reader(descriptor, self.read)

    def read(self) -> None:
        """Take what has been printed so far; a line that is not ended waits for its end."""
        while self._open:
            try:
                data = os.read(self._descriptor, 65536)
            except BlockingIOError:
                return
            if not data:
                self.close()
                return
            *lines, self._partial = (self._partial + data).split(b"\n")
            for line in lines:
                self._add(line)

    def drain(self) -> None:
        """Take what has been printed so far, an unfinished line included."""
        self.read()
        if self._partial:
            self._add(self._partial)
            self._partial = b""

    def _add(self, line: bytes) -> None:
        # The runtime client ends the lines of one event with a carriage return.
        text = line.decode(errors="replace").replace("\r", "\n")
        self._stream.append(text.replace(self._task_root, facts.TASK_ROOT))

    def close(self) -> None:
        """Stop reading."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
