"""How far a worker is, for who watches."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_dsql.storm.record.outcome import Outcome

KEPT_LATENCIES: Final = 500


@dataclass
class Tally:
    """How far a worker is; ``taken`` empties the latencies (ms), which are the latest ones."""

    done: int = 0
    retries: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    def add(self, outcome: Outcome, retries: int, latency_ms: float) -> None:
        """Count an answer."""
        self.done += 1
        self.retries += retries
        self.outcomes[outcome] += 1
        if len(self.latencies) < KEPT_LATENCIES:
            self.latencies.append(latency_ms)

    def taken(self) -> dict[str, Any]:
        """Return what there is to tell of it now."""
        latencies, self.latencies = self.latencies, []
        outcomes = {str(outcome): count for outcome, count in self.outcomes.items()}
        return {"done": self.done, "retries": self.retries, "outcomes": outcomes, "latencies": latencies}
