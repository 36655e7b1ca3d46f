"""What breaks in a storm, and when: the same for one seed."""

import random
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from pytest_dsql.storm.transfers.plan import Load

WITHIN: Final = (0.05, 0.85)
"""Of a storm's calls, so many are answered before its first fault, and before its last."""


class FaultKind(StrEnum):
    """What can break."""

    CUT_BEFORE = "cut before COMMIT"
    """A connection ends before a COMMIT reaches the server."""
    CUT_AFTER = "cut after COMMIT"
    """A connection ends after a COMMIT was applied, before its answer."""
    UNAVAILABLE = "server unavailable"
    CONFLICTS = "conflicts"
    """COMMITs lose (OC000), whatever they have written."""
    SCHEMA_CHANGE = "schema change"
    """A GRANT, by which transactions that are open lose (OC001)."""
    BACKENDS_ENDED = "backends ended"
    SERVER_KILLED = "PostgreSQL killed"
    ENDPOINT_RESTARTED = "endpoint restarted"
    """Nobody listens for a moment, and all connections end."""
    DISK_FULL = "disk full"
    """The cluster has used up its quota, as no disk is full without one of its own: COMMITs of changes are refused."""
    SESSIONS_EXPIRED = "sessions expired"
    SIGN_IN_REFUSED = "sign-ins refused"
    """Rate exceeded, to functions whose sessions have ended."""
    TOKEN_EXPIRED = "tokens expired"  # noqa: S105 - a fault's name
    """The same, with tokens of yesterday."""
    TOO_MANY = "too many connections"
    """The same, where there are too many already."""
    ROLE_WITHDRAWN = "role withdrawn"
    """The function's role may not sign in, and sessions have ended."""
    FUNCTIONS_KILLED = "functions killed"
    """Their environments end in the midst of invocations."""
    OUT_OF_MEMORY = "out of memory"
    """The same, for want of memory."""
    OUT_OF_TIME = "out of time"
    """The same, as if they had run for too long."""
    THROTTLED = "Invoke throttled"
    """The function has next to no concurrency (429)."""
    INVOKE_SLOW = "Invoke slow"
    INVOKE_FAILED = "Invoke failed"
    """An error of the service (500), before the function has run."""
    INVOKE_LOST = "Invoke lost"
    """The same when it has run, which no caller can tell."""
    RESET_BEFORE = "Invoke reset before"
    """The caller's connection is reset before the function has run."""
    RESET_AFTER = "Invoke reset after"
    """The same when it has run, which no caller can tell."""


class Planned(NamedTuple):
    """A fault that is to come, when so many calls are answered; ``chance`` draws what else there is of it."""

    kind: FaultKind
    after: int
    chance: random.Random


def planned(load: Load) -> Iterator[Planned]:
    """Yield a load's faults in their order: every kind once before one comes twice.

    Of two loads that differ in ``faults`` alone the greater one has those of the other, and more.
    """
    kinds = [FaultKind(kind) for kind in load.kinds] or [*FaultKind]
    drawn = []
    for number in range(load.faults):
        chance = random.Random(f"{load.seed}/fault/{number}")  # noqa: S311 - to be repeated, not to be secret
        turn, place = divmod(number, len(kinds))
        order = random.Random(f"{load.seed}/faults/{turn}").sample(kinds, len(kinds))  # noqa: S311
        drawn.append(Planned(order[place], round(chance.uniform(*WITHIN) * load.calls), chance))
    yield from sorted(drawn, key=lambda fault: fault.after)
