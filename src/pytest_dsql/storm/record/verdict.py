"""What is expected of a storm, and what was found."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a scenario allows. Bounds that are None are not judged.

    Money is judged always, whatever stands here.
    """

    refusals: frozenset[str] = frozenset({"40001"})
    """Codes a transfer may be refused with; 40001 needs its OC marker besides."""
    must_all_commit: bool = False
    """No refusal and no unknown outcome, whatever ``refusals`` says."""
    must_conflict: bool = False
    """At least one call has to have lost a transaction: else nothing was shown."""
    max_conflicts: float | None = None
    """The share of the calls, 0 to 1, that may have lost a transaction."""
    must_record: bool = False
    """Each transfer that is made has one row in the history, and no other has."""
    starved_retries: int | None = None
    """More retries than this for one call are starvation."""
    starved_s: float | None = None
    """So is a longer wait, from the moment the call was due."""
    recovery_s: float = 10.0
    """From a fault's beginning to the first commit after its end, at most."""
    max_p99_ms: float | None = None
    """Of the caller's latency."""
    min_rate: float | None = None
    """Answered calls per second."""
    max_retries: int | None = None
    """Of any one call, as a threshold of the run."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; ``text`` has the first and the worst witness."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on a storm."""

    findings: tuple[Finding, ...] = ()
    resolved: Mapping[int, bool] = field(default_factory=dict)
    """Calls of unknown outcome that are decided: id to whether the transfer was made."""
    ambiguous: tuple[int, ...] = ()
    """Ids of those that are not; every choice that is left fits to the cent."""
    resolved_by: str = "balances"
    """What decided: ``balances``, or ``receipts`` where calls had ids."""

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def found(
    name: str,
    summary: str,
    witnesses: Iterable[T],
    tell: Callable[[T], str] = str,
    weight: Callable[[T], float] = lambda _: 0.0,
) -> tuple[Finding, ...]:
    """Return a finding with the first and the worst (heaviest) of its witnesses, none where there are no witnesses.

    ``{n}`` in ``summary`` becomes their number.
    """
    everything = list(witnesses)
    if not everything:
        return ()
    first, worst = everything[0], max(everything, key=weight)
    shown = f"first and worst: {tell(first)}" if worst is first else f"first: {tell(first)}; worst: {tell(worst)}"
    return (Finding(name, f"{summary.replace('{n}', f'{len(everything):,}')}; {shown}"),)


def stated(
    name: str, summary: str, witnesses: Iterable[T], tell: Callable[[T], str], weight: Callable[[T], float]
) -> Finding:
    """Return a finding that stands by itself, with its witnesses where there are some."""
    return next(iter(found(name, summary, witnesses, tell, weight)), Finding(name, summary))
