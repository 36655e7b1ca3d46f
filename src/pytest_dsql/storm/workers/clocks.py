"""How clocks of two machines are compared: by round trips, of which the quickest says most."""

import platform
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

TRIPS: Final = 21

Told = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Clock:
    """A machine's clock beside the conductor's, in s.

    ``offset`` is what is to be added to the monotonic clock there to have the conductor's; ``ahead`` how far the wall
    clock there is ahead. Both are right to ``within``.
    """

    machine: str
    offset: float
    ahead: float
    within: float

    def told(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def compared(cls, ask: Callable[[], Told]) -> Self:
        """Compare this machine's clock with the one that ``ask`` returns the time of, as ``now`` does."""
        return min((cls._trip(ask) for _ in range(TRIPS)), key=lambda clock: clock.within)

    @classmethod
    def _trip(cls, ask: Callable[[], Told]) -> Self:
        begun, theirs, here = time.monotonic(), ask(), now()
        half = (here["monotonic"] - begun) / 2
        return cls(
            platform.node(),
            theirs["monotonic"] - (begun + half),
            here["wall"] - half - theirs["wall"],
            half,
        )


def now() -> dict[str, float]:
    """Return the time by both of this machine's clocks."""
    return {"monotonic": time.monotonic(), "wall": time.time()}


def described(clocks: Iterable[tuple[str, Clock]]) -> str:
    """Return in words how the clocks of workers on other machines were, and what was done about it."""
    told = ", ".join(
        f"{worker} on {clock.machine} {abs(clock.ahead) * 1000:.1f} ms {'ahead' if clock.ahead > 0 else 'behind'} "
        f"(± {clock.within * 1000:.2f} ms)"
        for worker, clock in clocks
    )
    return f"{told}; all times are by the conductor's"
