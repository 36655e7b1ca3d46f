"""What came of each fault: the calls that were on their way meanwhile, and how soon there was a commit again."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isfinite

from pytest_dsql.storm.record.common import Fault
from pytest_dsql.storm.record.model import Call, History
from pytest_dsql.storm.record.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Effect:
    """What came of a fault, or of all of a kind: calls that were on their way while it was in force, by outcome."""

    committed: int
    refused: int
    unknown: int
    again: int
    """Sent again meanwhile, or answered so that they were."""
    recovery_s: float | None
    """From its beginning to the first commit after its end, the longest; None where none came."""


def recovery_s(history: History, limit_s: float = 0.0) -> list[tuple[Fault, float | None]]:
    """Return how long it took from each fault's beginning to the first commit after its end; inf where none came.

    None where nothing had to recover: no call was on its way any more, or none for so long as ``limit_s``.
    """
    commits = sorted(c.answered for c in history.calls if c.outcome is Outcome.COMMITTED and c.answered is not None)
    last = max((c.sent if c.answered is None else c.answered for c in history.calls), default=0.0)
    return [(fault, _recovery_s(fault, commits, last, limit_s)) for fault in history.faults if fault.trouble is None]


def _recovery_s(fault: Fault, commits: list[float], last: float, limit_s: float) -> float | None:
    at = bisect_left(commits, fault.ended)
    if at < len(commits):
        return commits[at] - fault.begun
    return None if last < max(fault.ended, fault.begun + limit_s) else inf


def effects(history: History) -> dict[str, tuple[list[Fault], Effect]]:
    """Return the faults of each kind, and what came of them together."""
    kinds: dict[str, list[Fault]] = defaultdict(list)
    times = {fault: seconds for fault, seconds in recovery_s(history) if seconds is not None and isfinite(seconds)}
    for fault in history.faults:
        kinds[fault.kind].append(fault)
    return {kind: (faults, _effect(faults, history.calls, times)) for kind, faults in sorted(kinds.items())}


def _effect(faults: list[Fault], calls: Iterable[Call], times: dict[Fault, float]) -> Effect:
    met = [call for call in calls if any(_meets(call, fault) for fault in faults)]
    outcomes = Counter(call.outcome for call in met)
    again = sum(any(f.begun <= each.again <= f.ended for each in c.earlier for f in faults) for c in met)
    recoveries = [times[fault] for fault in faults if fault in times]
    return Effect(
        outcomes[Outcome.COMMITTED],
        outcomes[Outcome.REFUSED],
        outcomes[Outcome.UNKNOWN],
        again,
        max(recoveries, default=None),
    )


def _meets(call: Call, fault: Fault) -> bool:
    return call.sent <= fault.ended and (call.answered is None or call.answered >= fault.begun)
