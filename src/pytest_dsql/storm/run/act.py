"""One storm as it runs: who has come, how far they are, who is done or gone. What is called does not matter here."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from pytest_dsql.storm.record.statistics import percentile
from pytest_dsql.storm.report import text as report
from pytest_dsql.storm.run.rendezvous import Line, Message

RECENT: Final = 5_000
"""How many latencies are kept, the latest ones."""


@dataclass
class Watch:
    """How far the workers are, together."""

    total: int
    tallies: dict[int, Message] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)

    def add(self, share: int, tally: Message) -> None:
        """Take note of a worker's own count."""
        self.latencies = (self.latencies + tally.pop("latencies"))[-RECENT:]
        self.tallies[share] = tally

    @property
    def done(self) -> int:
        """How many calls are answered, as far as workers have told."""
        return sum(tally["done"] for tally in self.tallies.values())

    def progress(self, elapsed_s: float) -> report.Progress:
        """Return where the storm stands."""
        tallies = list(self.tallies.values())
        done = self.done
        outcomes = sum((Counter(tally["outcomes"]) for tally in tallies), Counter[str]())
        ordered = sorted(self.latencies)
        rate = done / elapsed_s if elapsed_s else 0.0
        return report.Progress(
            done,
            self.total,
            rate,
            outcomes["committed"],
            outcomes["refused"],
            outcomes["unknown"],
            sum(tally["retries"] for tally in tallies),
            percentile(ordered, 50) if ordered else None,
            percentile(ordered, 99) if ordered else None,
            (self.total - done) / rate if rate else None,
        )


class Absent(Exception):
    """A worker's process has ended before it came."""

    def __init__(self, share: int) -> None:
        super().__init__(f"worker {share} ended before it came")
        self.share = share


class Act:
    """One storm, from the first worker's arrival to the verdict."""

    def __init__(self, shares: int, calls: int, limit_s: float) -> None:
        self.shares, self.limit_s = shares, limit_s
        self.lines: dict[int, Line] = {}
        self.gone: set[int] = set()
        self.ended: set[int] = set()
        self.finished: set[int] = set()
        self.watch = Watch(calls)
        self.changed = threading.Condition()
        self.arrived_at = time.monotonic()
        self.last_word: Message | None = None

    def attend(self, share: int, line: Line) -> None:
        """Follow a worker until it is done or gone, and all have been told how the storm ended."""
        with self.changed:
            self.lines[share] = line
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

    def _follow(self, share: int, line: Line) -> None:
        while (message := line.hear()) is not None:
            if "done" in message:
                self.finished.add(share)
                return
            with self.changed:
                self.watch.add(share, message["progress"])
                self.changed.notify_all()

    def reach(self, calls: int) -> bool:
        """Wait until so many calls are answered; return whether they are before the storm ends."""
        with self.changed:
            self.changed.wait_for(lambda: self.watch.done >= calls or self._is_over, self.limit_s)
            return not self._is_over

    @property
    def _is_over(self) -> bool:
        return len(self.ended) == self.shares

    def leave(self, share: int) -> None:
        """Take note that a worker's process has ended: if it has not come yet, it never will."""
        with self.changed:
            self.gone.add(share)
            self.changed.notify_all()

    def wait_for_all(self, limit_s: float) -> None:
        """Wait for every worker to arrive; raise TimeoutError, or Absent where one cannot come any more."""
        with self.changed:
            came = self.changed.wait_for(lambda: len(self.lines) == self.shares or self._absent(), limit_s)
            if absent := self._absent():
                raise Absent(min(absent))
            if not came:
                raise TimeoutError(f"{len(self.lines)} of {self.shares} workers came within {limit_s:.0f} s")

    def _absent(self) -> set[int]:
        return self.gone - self.lines.keys()

    def wait_for_end(self, limit_s: float) -> bool:
        """Wait until every worker is done or gone, or for so long; return whether they are."""
        with self.changed:
            return self.changed.wait_for(lambda: self._is_over, limit_s)

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
