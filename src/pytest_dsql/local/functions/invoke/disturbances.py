"""What a test does to the callers of a function: late answers, errors of the service, connections that end."""

import asyncio
from dataclasses import dataclass
from typing import Final

from pytest_dsql.local.functions.invoke.errors import InternalError
from pytest_dsql.local.http import HangUp

ACTIONS: Final = ("slow", "fail_before", "fail_after", "reset_before", "reset_after")


@dataclass
class Disturbance:
    """One rule, for the next ``times`` invocations; ``seconds`` is by how much ``slow`` is late."""

    action: str
    times: int
    seconds: float
    applied: int = 0

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"action: there is no {self.action}; there are {', '.join(ACTIONS)}")

    async def before(self) -> None:
        """Do what comes before the function runs; raise InternalError, HangUp."""
        self._break("before")
        await asyncio.sleep(self.seconds if self.action == "slow" else 0)

    def after(self) -> None:
        """Do what comes when the function has run; raise InternalError, HangUp."""
        self._break("after")

    def _break(self, moment: str) -> None:
        if self.action == f"fail_{moment}":
            raise InternalError
        if self.action == f"reset_{moment}":
            raise HangUp


class Disturbances:
    """What is in force, at most one for a function."""

    def __init__(self) -> None:
        self._of: dict[str, Disturbance] = {}

    def put(self, function: str, disturbance: Disturbance | None) -> int:
        """Put one in force, or none; return how often what was in force before was applied."""
        before = self._of.pop(function, None)
        if disturbance:
            self._of[function] = disturbance
        return before.applied if before else 0

    def take(self, function: str) -> Disturbance | None:
        """Return what an invocation meets, counted as applied."""
        due = self._of.get(function)
        if due is None or due.applied >= due.times:
            return None
        due.applied += 1
        return due
