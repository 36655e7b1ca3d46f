"""What the service limits."""

import time
from dataclasses import dataclass, fields

from pytest_dsql.local.occ import words


@dataclass
class Limits:
    """What the service limits, in seconds, rows and bytes; a test may set what it wants to meet.

    Sources: Aurora DSQL user guide, quotas, 2026-10, cross-checked with live protocols of 2026-09.
    """

    transaction_s: float = 300.0
    session_s: float = 3600.0
    rows: int = words.ROW_LIMIT
    size: int = words.SIZE_LIMIT
    connections: int = 10_000
    connect_rate: float = 100.0
    connect_burst: float = 1_000.0
    message: int = 10 * 1024 * 1024
    storage: int = 10 * 1024**4

    def change(self, limits: dict[str, float]) -> dict[str, float]:
        """Change limits; return what they were. Raises ValueError where there is no such limit."""
        known = {limit.name: getattr(self, limit.name) for limit in fields(self)}
        for name, value in limits.items():
            if name not in known:
                raise ValueError(f"{name}: there is no such limit; there are {', '.join(known)}")
            setattr(self, name, type(known[name])(value))
        return {name: known[name] for name in limits}

    def reset(self) -> None:
        """Let them be the service's again."""
        for limit in fields(self):
            setattr(self, limit.name, limit.default)


class Rate:
    """The rate of new connections: a bucket that refills."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._taken, self._refilled = 0.0, time.monotonic()

    def admits(self) -> bool:
        """Take one connection from the rate that the service allows; False where there is none left."""
        now = time.monotonic()
        refill = (now - self._refilled) * self._limits.connect_rate
        self._taken, self._refilled = max(0.0, self._taken - refill), now
        if self._taken + 1 > self._limits.connect_burst:
            return False
        self._taken += 1
        return True
