"""What breaks in a storm, and when: the same for one seed."""

import random
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from pytest_dsql.storm.transfers.plan import Load

WITHIN: Final = (0.05, 0.85)
"""Of a storm's calls, so many are answered before its first fault, and before its last."""


class Kind(StrEnum):
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
    SESSIONS_EXPIRED = "sessions expired"
    SIGN_IN_REFUSED = "sign-ins refused"
    """Rate exceeded, to functions whose sessions have ended."""
    TOKEN_EXPIRED = "tokens expired"  # noqa: S105 - a fault's name
    """The same, with tokens of yesterday."""
    FUNCTIONS_KILLED = "functions killed"
    """Their environments end in the midst of invocations."""
    THROTTLED = "Invoke throttled"
    """The function has next to no concurrency."""


class Planned(NamedTuple):
    """A fault that is to come, when so many calls are answered; ``chance`` draws what else there is of it."""

    kind: Kind
    after: int
    chance: random.Random


def planned(load: Load) -> Iterator[Planned]:
    """Yield a load's faults in their order: every kind once before one comes twice."""
    chance = random.Random(f"{load.seed}/faults")  # noqa: S311 - to be repeated, not to be secret
    moments = sorted(round(chance.uniform(*WITHIN) * load.calls) for _ in range(load.faults))
    kinds: list[Kind] = []
    for number, after in enumerate(moments):
        kinds = kinds or chance.sample([*Kind], len(Kind))
        yield Planned(kinds.pop(), after, random.Random(f"{load.seed}/fault/{number}"))  # noqa: S311
