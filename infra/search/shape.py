"""What one storm of the search is, drawn by a seed, and what would be a smaller one."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from pytest_dsql.storm.record.verdict import Expectations
from pytest_dsql.storm.transfers.faults import planned
from pytest_dsql.storm.transfers.plan import Load, Shape
from pytest_dsql.storm.transfers.scenario import CONFLICT, POOR, Scenario

CALLS: Final = (100, 2_000)
PARALLEL: Final = (1, 128)
ACCOUNTS: Final = (2, 1_000)
FAULTS: Final = 12
COMMIT_MS: Final = (0, 1, 5, 15)
_LEAST: Final = {"faults": 0, "calls": 1, "parallel": 1, "accounts": 2, "commit_ms": 0}


@dataclass(frozen=True, slots=True)
class SmallStorm:
    """A storm by its shape; two of the same make the same calls, and have the same faults at the same calls."""

    seed: int
    calls: int
    parallel: int
    accounts: int
    faults: int
    once: bool
    commit_ms: int
    shape: Shape
    kinds: tuple[str, ...] = ()
    """What breaks, where it is not any kind."""

    @classmethod
    def drawn(cls, seed: int, **known: Any) -> Self:
        """Draw one; what is ``known`` is not drawn, and nothing else is another for it."""
        chance = random.Random(f"{seed}/search")  # noqa: S311 - to be repeated, not to be secret
        drawn: dict[str, Any] = {
            "calls": _between(chance, *CALLS),
            "parallel": _between(chance, *PARALLEL),
            "accounts": _between(chance, *ACCOUNTS),
            "faults": chance.randint(0, FAULTS),
            "once": chance.random() < 0.5,
            "commit_ms": chance.choice(COMMIT_MS),
            "shape": chance.choice([*Shape]),
        }
        return cls(seed, **{**drawn, **known})

    @property
    def load(self) -> Load:
        """The calls and the faults."""
        how_much = (self.calls, self.parallel, self.accounts, self.seed)
        return Load(*how_much, shape=self.shape, once=self.once, faults=self.faults, kinds=self.kinds)

    @property
    def scenario(self) -> Scenario:
        """What must come of it: a call may lose to others too often, but what is answered is true."""
        refusals = CONFLICT | (POOR if self.shape is Shape.POOR else frozenset())
        return Scenario("search", str(self), Expectations(refusals=refusals), self.shape)

    def smaller(self) -> Iterator[Self]:
        """Yield what is smaller in one thing, the greatest steps first."""
        for name, least in _LEAST.items():
            value = getattr(self, name)
            for less in dict.fromkeys((least, value // 8, value // 2, value * 3 // 4, value - 1)):
                if least <= less < value:
                    yield replace(self, **{name: less})
        if self.faults and len(self.kinds) != 1:
            yield from (replace(self, faults=1, kinds=(kind,)) for kind in self.breaks())
        if self.shape is not Shape.UNIFORM:
            yield replace(self, shape=Shape.UNIFORM)

    @property
    def weight(self) -> tuple[int, ...]:
        """By what one is smaller than another."""
        return self.faults, self.calls, self.parallel, self.accounts

    def breaks(self) -> list[str]:
        """Return the kinds of its faults."""
        return list(dict.fromkeys(str(fault.kind) for fault in planned(self.load)))

    def options(self) -> list[str]:
        """Return the options of the command that plays it."""
        return [
            f"--seed={self.seed}",
            f"--calls={self.calls}",
            f"--parallel={self.parallel}",
            f"--accounts={self.accounts}",
            f"--faults={self.faults}",
            "--exactly-once" if self.once else "--without-ids",
            f"--commit-ms={self.commit_ms}",
            f"--shape={self.shape}",
            *(f"--kind={kind}" for kind in self.kinds),
        ]

    def __str__(self) -> str:
        ids = "with ids" if self.once else "without ids"
        kinds = f" ({', '.join(self.kinds)})" if self.kinds else ""
        return (
            f"seed {self.seed}: {self.calls:,} calls, {self.parallel} at a time, {self.accounts:,} accounts, "
            f"{self.shape}, {ids}, {self.faults} faults{kinds}, COMMIT {self.commit_ms} ms"
        )


def _between(chance: random.Random, least: int, most: int) -> int:
    """Draw a number, each order of magnitude as likely as the next."""
    return round(math.exp(chance.uniform(math.log(least), math.log(most))))
