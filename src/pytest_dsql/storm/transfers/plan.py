"""Which transfers a storm makes, and who makes them; the same for one seed, however many workers there are."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from pytest_dsql.storm.workers.shares import part, room

HOT_SHARE: Final = 0.8
HOT_ACCOUNTS: Final = 100
"""Of the calls, 80 % go to one account in a hundred."""
PAIRS: Final = 8
LARGEST: Final = 150
"""Above what an account has at first, so that some transfers cannot be made."""
SLOWEST: Final = 50.0
"""Calls a second: a storm that makes fewer is not waited for; nor is one that falls to a third of its rate."""
CALL_LIMIT_S: Final = 60.0
"""How long a call may wait at least: twice as long as the function may run."""
PATIENCE_S: Final = 3_600.0
"""How long a storm may take, however small it is."""


class PlannedTransfer(NamedTuple):
    """What one call asks for; once, where it has an id."""

    payer_id: int
    payee_id: int
    amount: int
    transfer_id: UUID | None = None


class Shape(StrEnum):
    """How accounts and amounts are drawn."""

    UNIFORM = "uniform"
    """Any two accounts, 1 at a time, as in the walk-through."""
    HOT = "hot"
    """80 % of the calls between the first 1 % of the accounts."""
    PAIRS = "pairs"
    """Both directions on few pairs."""
    POOR = "poor"
    """Any two accounts, amounts that some cannot pay."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much: ``calls`` transfers, ``parallel`` of them at a time; with ``rate`` (calls/s) each has its moment.

    With ``once`` each has an id, by which it is made exactly once. So many ``faults`` break something meanwhile, of
    these ``kinds`` alone where some are named.
    """

    calls: int
    parallel: int
    accounts: int
    seed: int
    rate: float | None = None
    shape: Shape = Shape.UNIFORM
    once: bool = False
    faults: int = 0
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, least in (("calls", 1), ("parallel", 1), ("accounts", 2), ("faults", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: must be at least {least}, not {getattr(self, name)}")
        if self.rate is not None and self.rate <= 0:
            raise ValueError(f"rate: must be above 0, not {self.rate}")

    @property
    def limit_s(self) -> float:
        """How long the storm may take from its first call to its last answer."""
        return max(PATIENCE_S, self.calls / (self.rate / 3 if self.rate else SLOWEST))

    @property
    def patience_s(self) -> float:
        """How long one call may wait for its answer: for all that are in flight before it."""
        return max(CALL_LIMIT_S, self.parallel / SLOWEST)

    def threads(self, share: int, shares: int) -> int:
        """Return how many calls one of ``shares`` workers has in flight; none where there are more workers."""
        return room(self.parallel, share, shares)

    def due(self, call: int) -> float | None:
        """Return when a call is to be sent, in s since the start; None for as soon as somebody is free."""
        return None if self.rate is None else call / self.rate

    def numbers(self, share: int, shares: int) -> range:
        """Return the numbers of one worker's calls: every n-th, where n workers have threads; together they are all."""
        return part(self.calls, self.parallel, share, shares)

    def share(self, share: int, shares: int) -> Iterator[tuple[int, PlannedTransfer]]:
        """Yield the calls of one worker."""
        for call in self.numbers(share, shares):
            yield call, self.transfer(call)

    def transfer(self, call: int) -> PlannedTransfer:
        """Return a call's transfer, the same each time."""
        chance = random.Random(f"{self.seed}/{call}")  # noqa: S311 - to be repeated, not to be secret
        payer, payee = self._parties(chance)
        amount = chance.randint(1, LARGEST) if self.shape is Shape.POOR else 1
        # Drawn last, so that the same calls are made without it.
        return PlannedTransfer(
            payer, payee, amount, UUID(int=chance.getrandbits(128), version=4) if self.once else None
        )

    def _parties(self, chance: random.Random) -> tuple[int, int]:
        if self.shape is Shape.PAIRS:
            first = 2 * chance.randrange(min(PAIRS, self.accounts // 2)) + 1
            return (first, first + 1) if chance.random() < 0.5 else (first + 1, first)
        hot = self.shape is Shape.HOT and chance.random() < HOT_SHARE
        payer, payee = chance.sample(range(1, (max(2, self.accounts // HOT_ACCOUNTS) if hot else self.accounts) + 1), 2)
        return payer, payee
