"""One storm as it runs: who has come, how far they are, who is done or gone. What is called does not matter here."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Final

from pytest_dsql.storm.record.journal import Sink, worker_name
from pytest_dsql.storm.report.text import Progress
from pytest_dsql.storm.workers.clocks import Clock, described
from pytest_dsql.storm.workers.rendezvous import ConnectionEnd, Message
from pytest_dsql.storm.workers.watch import Watch

LIVE_S: Final = 1.0
"""How often it is shown how far the workers are."""
WORDS_LIMIT_S: Final = 10.0
"""How long is waited for a process to end whose line has ended."""

Keep = Callable[[int], Sink]


class Absent(Exception):
    """A worker's process has ended before it came; the text has its last words."""

    def __init__(self, share: int, words: str) -> None:
        super().__init__(f"{worker_name(share)} ended before the first call: {words}")


class NotEnded(Exception):
    """A storm takes longer than it may."""


class Act:
    """One storm, from the first worker's arrival to the verdict.

    ``watched`` says that the workers' processes are watched: ``leave`` is told of each that has ended. ``keep``
    opens where the record goes of a worker on another machine.
    """

    def __init__(
        self, shares: int, calls: int, limit_s: float, *, watched: bool = False, keep: Keep | None = None
    ) -> None:
        self.shares, self.limit_s, self.watched, self._keep = shares, limit_s, watched, keep
        self.lines: dict[int, ConnectionEnd] = {}
        self.ended: set[int] = set()
        self.finished: set[int] = set()
        self.watch = Watch(calls)
        self.changed = threading.Condition()
        self.arrived_at = time.monotonic()
        self.last_word: Message | None = None
        self._words: dict[int, str] = {}
        self._clocks: dict[int, Clock] = {}

    def attend(self, share: int, line: ConnectionEnd, clock: Message | None = None) -> None:
        """Follow a worker until it is done or gone, and all have been told how the storm ended.

        ``clock`` is what one on another machine has found its clock to be.
        """
        with self.changed:
            self.lines[share] = line
            if clock:
                self._clocks[share] = Clock(**clock)
            self.changed.notify_all()
            if self.last_word:
                line.say(self.last_word)
        try:
            self._follow(share, line)
        finally:
            with self.changed:
                self.ended.add(share)
                self.changed.notify_all()
                self.changed.wait_for(lambda: self.last_word, self.limit_s)

    def _follow(self, share: int, line: ConnectionEnd) -> None:
        with ExitStack() as leaving:
            record: Sink | None = None
            while (message := line.hear()) is not None:
                if "done" in message:
                    self.finished.add(share)
                    return
                if "record" not in message:
                    self._progress(share, message["progress"])
                elif self._keep:
                    record = record or leaving.enter_context(closing(self._keep(share)))
                    record.append(message["record"].encode())

    def _progress(self, share: int, tally: Message) -> None:
        with self.changed:
            self.watch.add(share, tally)
            self.changed.notify_all()

    def reach(self, calls: int) -> bool:
        """Wait until so many calls are answered; return whether they are before the storm ends."""
        with self.changed:
            self.changed.wait_for(lambda: self.watch.done >= calls or self._is_over, self.limit_s)
            return not self._is_over

    @property
    def _is_over(self) -> bool:
        return len(self.ended) == self.shares

    def leave(self, share: int, words: str) -> None:
        """Take note of a worker's end, and its last words: if it has not come yet, it never will."""
        with self.changed:
            self._words[share] = words
            self.changed.notify_all()

    def wait_for_all(self, limit_s: float) -> None:
        """Wait for every worker to arrive; raise TimeoutError, or Absent where one cannot come any more."""
        with self.changed:
            came = self.changed.wait_for(lambda: len(self.lines) == self.shares or self._absent(), limit_s)
            if absent := self._absent():
                raise Absent(min(absent), self._words[min(absent)])
            if not came:
                raise TimeoutError(f"{len(self.lines)} of {self.shares} workers came within {limit_s:.0f} s")

    def _absent(self) -> set[int]:
        return self._words.keys() - self.lines.keys()

    def wait_for_end(self, limit_s: float) -> bool:
        """Wait until every worker is done or gone, or for so long; return whether they are."""
        with self.changed:
            return self.changed.wait_for(lambda: self._is_over, limit_s)

    def follow(self, origin: float, show: Callable[[Progress], None]) -> None:
        """Show how far all are, until every worker is done or gone; raise NotEnded where that takes too long."""
        while not self.wait_for_end(LIVE_S):
            elapsed = time.monotonic() - origin
            if elapsed > self.limit_s:
                raise NotEnded(f"it has not ended within {self.limit_s:,g} s")
            show(self.watch.progress(elapsed))

    def last_words(self) -> dict[str, str]:
        """Return what the lost workers have said last, by their names, as far as their processes are watched."""
        with self.changed:
            lost = self.ended - self.finished
            self.changed.wait_for(lambda: not self.watched or lost <= self._words.keys(), WORDS_LIMIT_S)
            return {worker_name(share): self._words[share] for share in sorted(lost & self._words.keys())}

    def clocks(self) -> str | None:
        """Return in words how the clocks of workers on other machines were; None where there is none."""
        clocks = sorted(self._clocks.items())
        return described((worker_name(share), clock) for share, clock in clocks) if clocks else None

    @property
    def open_ended(self) -> bool:
        """Whether the function may still be at work for a call that nobody waits for."""
        return self.finished != self.ended or bool(self.watch.progress(0).unknown)

    def say(self, message: Message) -> None:
        """Tell all workers."""
        for line in self.lines.values():
            line.say(message)

    def end(self, message: Message) -> None:
        """Tell all workers how it ended, those too that come later."""
        with self.changed:
            self.last_word = message
            self.say(message)
            self.changed.notify_all()
