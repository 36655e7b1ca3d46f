"""How much is asked of a storm, and which call is whose; the same for one seed, however many processes there are."""

import random
from dataclasses import dataclass

from pytest_dsql.storm.workers import shares


class OutOfRange(ValueError):
    """A number that a storm cannot have."""

    def __init__(self, name: str, value: object) -> None:
        super().__init__(f"{name}: must be at least 1, not {value}")


@dataclass(frozen=True, slots=True)
class OwnLoad:
    """``calls`` requests drawn by ``seed``, ``parallel`` at a time, from ``processes``, ended after ``limit_s``."""

    calls: int
    parallel: int
    seed: int
    processes: int
    limit_s: float = 300.0

    def __post_init__(self) -> None:
        for name in ("calls", "parallel", "processes", "limit_s"):
            if getattr(self, name) < 1:
                raise OutOfRange(name, getattr(self, name))

    @property
    def shares(self) -> int:
        """How many processes have a thread."""
        return min(self.processes, self.parallel)

    def threads(self, share: int) -> int:
        """Return how many calls one process has in flight."""
        return shares.room(self.parallel, share, self.shares)

    def share(self, share: int) -> range:
        """Return the calls of one process; together they make each once."""
        return shares.part(self.calls, self.parallel, share, self.shares)

    def chance(self, call: int) -> random.Random:
        """Return what a call's request is drawn by, the same each time."""
        return random.Random(f"{self.seed}/{call}")  # noqa: S311 - to be repeated, not to be secret
