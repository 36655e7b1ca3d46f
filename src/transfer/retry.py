"""Run a transaction again when it lost under optimistic concurrency control, and only then."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psycopg

from transfer import occ
from transfer.errors import NotCommitted, OutcomeUnknown

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long: ``attempts`` runs in all, the first included; all times are in seconds.

    The first retry is immediate. The n-th retry after that waits a random time between 0 and
    ``min(cap, base * 2**(n-1))`` ("full jitter"). No attempt begins after ``deadline``.

    The default is meant for contention on hot accounts: where seven of ten attempts lose, fifty lose together once
    in fifty million calls, and waiting lowers the odds further. Raises ValueError, which names the field.
    """

    attempts: int = 50
    base: float = 0.005
    cap: float = 0.25
    deadline: float = 20.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts: must be at least 1, not {self.attempts}")
        if not 0 <= self.base <= self.cap:
            raise ValueError(f"base: must be between 0 and cap ({self.cap}), not {self.base}")
        if not self.deadline > 0:
            raise ValueError(f"deadline: must be positive, not {self.deadline}")

    def delay(self, retry: int, fraction: float) -> float:
        """Return the seconds to wait before retry 1, 2, …, for a random ``fraction`` between 0 and 1."""
        if retry == 1:
            return 0.0
        # Beyond 2**64 any base has reached its cap; an unbounded exponent would overflow.
        return fraction * min(self.cap, self.base * 2.0 ** min(retry - 2, 64))


class Retry:
    """The attempts of one call. ``retries`` and ``markers`` tell what happened, also when the call fails."""

    def __init__(
        self,
        policy: RetryPolicy | None = None,
        remaining: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        fraction: Callable[[], float] = random.random,
    ) -> None:
        """``remaining`` seconds, where given, bring the policy's deadline forward."""
        self._policy = policy or RetryPolicy()
        self._clock, self._sleep, self._fraction = clock, sleep, fraction
        limit = self._policy.deadline if remaining is None else min(self._policy.deadline, remaining)
        self._deadline = clock() + limit
        self.retries = 0
        self.markers: list[str | None] = []

    def run(self, transaction: Callable[[], T], *, once: bool = False) -> T:
        """Run ``transaction`` until it does not raise a conflict, at least once.

        ``transaction`` must be a whole transaction, from its first read to its COMMIT. When attempts or time are used
        up the last conflict is raised as it came; any other error is raised at once. One that does nothing where it was
        committed before, ``once``, is run again after OutcomeUnknown, too, which stays the answer where the database
        gives no other.
        """
        unknown: OutcomeUnknown | None = None
        while True:
            try:
                return transaction()
            except Exception as error:
                unknown = error if once and isinstance(error, OutcomeUnknown) else unknown
                delay = self._delay_after(error, again=error is unknown)
                if delay is None:
                    if unknown and isinstance(error, psycopg.Error | NotCommitted):
                        raise unknown from error
                    raise
            # Outside the handler, so that the next attempt's errors do not carry this one in their chain.
            if delay:
                self._sleep(delay)
            self.retries += 1

    def _delay_after(self, error: Exception, *, again: bool) -> float | None:
        """Return the seconds to wait before the next attempt, None where there shall be none after this error."""
        if not again and occ.conflict(error) is None:
            return None
        self.markers.append(occ.marker(error))
        return self._next_delay()

    def _next_delay(self) -> float | None:
        """Return the seconds to wait before the next attempt, None where there shall be none."""
        retry = self.retries + 1
        delay = self._policy.delay(retry, self._fraction())
        if retry >= self._policy.attempts or self._clock() + delay >= self._deadline:
            return None
        return delay
