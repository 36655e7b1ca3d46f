"""The search itself: storm after storm; one that fails is made smaller for as long as it fails."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from infra.search.shape import SmallStorm

TRIES: Final = 2
"""How often a smaller storm is played before it is taken to pass: what came of one may depend on the moment."""
MOST: Final = 60
"""How many storms are played at most to make one smaller."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A storm that failed: by the names of what was found, and where its record is."""

    storm: SmallStorm
    names: frozenset[str]
    record: Path

    def __str__(self) -> str:
        return f"{', '.join(sorted(self.names))}: {self.storm}; {self.record}"


Play = Callable[[SmallStorm], Failure | None]


@dataclass
class Search:
    """A search: ``play`` plays a storm and keeps the record of one that fails, ``tell`` is told of each."""

    play: Play
    tell: Callable[[str], None]
    most: int = MOST
    played: int = 0
    failed: int = 0
    smallest: dict[frozenset[str], Failure] = field(default_factory=dict)
    """Of each kind of failure, by its names."""

    def run(self, storms: Iterable[SmallStorm], minutes: float | None = None) -> None:
        """Play storms until there are no more, the time is up, or somebody interrupts; what was found stays."""
        until = None if minutes is None else time.monotonic() + 60 * minutes
        for storm in storms:
            failure = self._played(storm)
            if failure and failure.names not in self.smallest:
                self.smallest[failure.names] = failure
                self._shrink(failure)
            if until is not None and time.monotonic() >= until:
                return

    def _played(self, storm: SmallStorm) -> Failure | None:
        began = time.monotonic()
        failure = self.play(storm)
        self.played += 1
        self.failed += failure is not None
        self.tell(f"{'failed' if failure else 'passed'} in {time.monotonic() - began:.1f} s  {failure or storm}")
        return failure

    def _shrink(self, failure: Failure) -> None:
        """Try what is smaller; go on from what fails in the same way."""
        left, tried = self.most, {failure.storm}
        waiting = iter([*failure.storm.smaller()])
        while left and (storm := next(waiting, None)):
            if storm in tried:
                continue
            tried.add(storm)
            left -= 1
            if smaller := self._fails_too(storm, failure.names):
                self.smallest[failure.names] = smaller
                self.tell(f"smaller  {smaller}")
                waiting = iter([*storm.smaller()])

    def _fails_too(self, storm: SmallStorm, names: frozenset[str]) -> Failure | None:
        for _ in range(TRIES):
            failure = self.play(storm)
            if failure and failure.names & names:
                return failure
        return None
