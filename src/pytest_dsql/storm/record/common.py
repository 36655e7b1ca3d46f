"""What happened in any storm, whatever was called, as data: what figures are made of. Times in s since its start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pytest_dsql.storm.record.outcome import Outcome

INTERRUPTED: Final = "it was interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that was made, and what came of it. Source: a worker's record."""

    id: int
    due: float
    """When the plan wanted it sent: what a caller waits counts from here."""
    sent: float
    worker: str
    answered: float | None = None
    """None where no answer came."""
    outcome: Outcome = Outcome.UNKNOWN
    code: str | None = None
    """SQLSTATE, or by what other name the error is known; None where committed."""
    marker: str | None = None
    """``OC000`` or ``OC001`` where the error carries one."""
    error: str | None = None
    duration_ms: float | None = None
    """The function's own figure, where it gave one."""
    retries: int = 0
    throttles: int = 0
    """How often the client was told 429 before this answer."""

    @property
    def latency_ms(self) -> float | None:
        """What the caller waited since the call was due; None where no answer came."""
        return None if self.answered is None else (self.answered - self.due) * 1000

    @property
    def met_conflict(self) -> bool:
        """Whether at least one attempt lost to another transaction."""
        return self.retries > 0 or self.code == "40001"

    @property
    def touched(self) -> tuple[int, ...]:
        """The accounts that it is about, where there are such."""
        return ()

    def __str__(self) -> str:
        return f"call {self.id}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was broken on purpose while calls were made."""

    kind: str
    begun: float
    ended: float
    """When it was over, or all that was ended served again."""
    met: int
    """How often it did something: to a COMMIT, a sign-in, a session; at least once, or it did nothing."""
    trouble: str | None = None
    """Why it could not be done; None where it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the workers do not know of a storm: the conductor's part of the history.

    ``configuration`` is printed with the report: target (``local`` or ``aws``), seed, parallel, versions and the like.
    """

    planned: int
    """How many calls the plan has; their ids are 0 … planned - 1."""
    workers: tuple[str, ...] = ()
    """Who should have left a record."""
    configuration: Mapping[str, object] = field(default_factory=dict)
    started: str = ""
    """Wall-clock time, ISO 8601."""
    ended: str = ""
    cold_starts: int | None = None
    """Execution environments that began a log while it ran; None where there are none, or nobody looked."""
    conflicts: Mapping[str, int] | None = None
    """How often clients were told 40001 while it ran, by the service's name for it; None where nobody counted."""
    wall_s: float = 0.0
    """The whole run, start-up of the workers and closing included."""
    cores: int = 1
    last_words: Mapping[str, str] = field(default_factory=dict)
    """What lost workers have said last, by their names, as far as their processes were watched."""
    trouble: str | None = None
    """Why the storm did not come to its end."""

    @property
    def target(self) -> str:
        """Where it ran, in words that stand beside every figure."""
        target = str(self.configuration.get("target", "local"))
        return "local stand-in" if target == "local" else target


@dataclass(frozen=True, slots=True)
class History:
    """Everything a storm left behind; what its judge and the statistics are functions of."""

    facts: Facts
    calls: tuple[Call, ...]
    """By id; a call that was sent twice is there twice."""
    lost_workers: tuple[str, ...] = ()
    """Workers that left no record or did not close it."""
    cpu_s: Mapping[str, float] = field(default_factory=dict)
    """CPU seconds of each worker's process, from opening its record to closing it."""
    faults: tuple[Fault, ...] = ()
