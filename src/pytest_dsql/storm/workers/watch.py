"""How far a storm's workers are, as they tell it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from pytest_dsql.storm.record.statistics import percentile
from pytest_dsql.storm.report.text import Progress
from pytest_dsql.storm.workers.rendezvous import Message

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

    def progress(self, elapsed_s: float) -> Progress:
        """Return where the storm stands."""
        tallies = list(self.tallies.values())
        done = self.done
        outcomes = sum((Counter(tally["outcomes"]) for tally in tallies), Counter[str]())
        ordered = sorted(self.latencies)
        rate = done / elapsed_s if elapsed_s else 0.0
        return Progress(
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
