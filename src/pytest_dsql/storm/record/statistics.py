"""The figures of a storm. Times in the storm's own seconds or, where a name says so, in milliseconds."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_dsql.storm.record.common import Call, History
from pytest_dsql.storm.record.outcome import Outcome

HOTTEST = 10
"""How many accounts are told of."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How a figure is distributed; percentiles by nearest rank, so each is a value that was measured."""

    count: int
    min: float
    avg: float
    p50: float
    p90: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """Calls that ended alike; ``example`` is the text of one of them."""

    outcome: Outcome
    code: str
    marker: str | None
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Heat:
    """How many transfers touched an account, and how many of them met a conflict."""

    account: int
    calls: int
    conflicts: int


@dataclass(frozen=True, slots=True)
class Second:
    """What was answered within one second; percentiles are the caller's latency, None where nothing was answered.

    Calls that were never answered count as unknown in the second they were sent.
    """

    second: int
    committed: int
    refused: int
    unknown: int
    retries: int
    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class DriverLoad:
    """What the driver itself needed: it is not the limit while its busiest process has room on its core."""

    cpu_s: float
    share: float
    """Of all cores of its machine, 0 to 1."""
    busiest: str
    """The worker that needed most, "" where none told."""
    busiest_share: float
    """Of one core."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """The figures of one storm."""

    calls: int
    committed: int
    refused: int
    unknown: int
    unanswered: int
    """Part of the unknown."""
    total_s: float
    """From the moment the first call was due to the last answer."""
    offered_rate: float | None
    """Calls due per second; None where all were due at once."""
    achieved_rate: float
    """Calls answered per second of ``total_s``."""
    function_ms: Spread | None
    """The function's own duration, refused calls included; None where no call told one."""
    retried_ms: Spread | None
    """The same of calls with a retry: what is more is the price of losing."""
    caller_ms: Spread | None
    """From the moment a call was due to its answer."""
    conflicts: int
    """Calls that met at least one conflict: retried, or refused with 40001."""
    told_conflicts: Mapping[str, int] | None
    """How often clients were told 40001, by the service's name for it; None where nobody counted."""
    failed: int
    """Calls not known to be committed after all retries: refused or unknown."""
    retried: int
    """Calls with at least one retry."""
    retries: dict[int, int]
    """How many calls had so many retries."""
    errors: tuple[ErrorKind, ...]
    cold_starts: int | None
    """Execution environments that were started; None where it is not known."""
    throttles: int
    """How often a call was told 429."""
    driver: DriverLoad
    hottest: tuple[Heat, ...]
    seconds: tuple[Second, ...]

    @property
    def retries_total(self) -> int:
        """All retries of all calls."""
        return sum(retries * calls for retries, calls in self.retries.items())

    @property
    def retries_max(self) -> int:
        """The most retries of one call."""
        return max(self.retries, default=0)


def share(part: float, whole: float) -> float:
    """Return part / whole, 0 where there is no whole."""
    return part / whole if whole else 0.0


def spread(values: Iterable[float]) -> Spread | None:
    """Return the distribution of values, None where there are none."""
    ordered = sorted(values)
    if not ordered:
        return None
    p50, p90, p95, p99 = (percentile(ordered, rank) for rank in (50, 90, 95, 99))
    return Spread(len(ordered), ordered[0], math.fsum(ordered) / len(ordered), p50, p90, p95, p99, ordered[-1])


def percentile(ordered: Sequence[float], rank: float) -> float:
    """Return the percentile of values in ascending order, by nearest rank; raises IndexError where there are none."""
    return ordered[max(0, math.ceil(len(ordered) * rank / 100) - 1)]


def caller_ms(calls: Iterable[Call]) -> list[float]:
    """Return the caller's latency of every call that was answered."""
    return [(call.answered - call.due) * 1000 for call in calls if call.answered is not None]


def achieved_rate(history: History) -> float:
    """Return the calls answered per second, from the first that was due to the last answer."""
    return share(sum(call.answered is not None for call in history.calls), _total_s(history.calls))


def measure(history: History) -> Statistics:
    """Return all figures of a storm."""
    calls = history.calls
    outcomes = Counter(call.outcome for call in calls)
    retries = Counter(call.retries for call in calls)
    return Statistics(
        calls=len(calls),
        committed=outcomes[Outcome.COMMITTED],
        refused=outcomes[Outcome.REFUSED],
        unknown=outcomes[Outcome.UNKNOWN],
        unanswered=sum(call.answered is None for call in calls),
        total_s=_total_s(calls),
        offered_rate=_offered_rate(calls),
        achieved_rate=achieved_rate(history),
        function_ms=spread(call.duration_ms for call in calls if call.duration_ms is not None),
        retried_ms=spread(call.duration_ms for call in calls if call.duration_ms is not None and call.retries),
        caller_ms=spread(caller_ms(calls)),
        conflicts=sum(call.met_conflict for call in calls),
        told_conflicts=history.facts.conflicts,
        failed=len(calls) - outcomes[Outcome.COMMITTED],
        retried=len(calls) - retries[0],
        retries=dict(sorted(retries.items())),
        errors=_errors(calls),
        cold_starts=history.facts.cold_starts,
        throttles=sum(call.throttles for call in calls),
        driver=_driver(history),
        hottest=_hottest(calls),
        seconds=_seconds(calls),
    )


def _total_s(calls: Sequence[Call]) -> float:
    begin = min((call.due for call in calls), default=0.0)
    return max((call.answered for call in calls if call.answered is not None), default=begin) - begin


def _offered_rate(calls: Sequence[Call]) -> float | None:
    if not calls:
        return None
    due = [call.due for call in calls]
    window = max(due) - min(due)
    return (len(due) - 1) / window if window > 0 else None


def _errors(calls: Sequence[Call]) -> tuple[ErrorKind, ...]:
    counts: Counter[tuple[Outcome, str, str | None]] = Counter()
    examples: dict[tuple[Outcome, str, str | None], str] = {}
    for call in calls:
        if call.outcome is not Outcome.COMMITTED:
            kind = (call.outcome, call.code or "", call.marker)
            counts[kind] += 1
            examples.setdefault(kind, call.error or "")
    return tuple(ErrorKind(*kind, count, examples[kind]) for kind, count in counts.most_common())


def _driver(history: History) -> DriverLoad:
    cpu, total = history.cpu_s, _total_s(history.calls)
    busiest = max(cpu, key=lambda worker: cpu[worker], default="")
    used = math.fsum(cpu.values())
    return DriverLoad(used, share(used, total * history.facts.cores), busiest, share(cpu.get(busiest, 0.0), total))


def _hottest(calls: Sequence[Call]) -> tuple[Heat, ...]:
    touched: Counter[int] = Counter()
    conflicts: Counter[int] = Counter()
    for call in calls:
        touched.update(call.touched)
        if call.met_conflict:
            conflicts.update(call.touched)
    ranked = sorted(touched, key=lambda account: (-touched[account], account))[:HOTTEST]
    return tuple(Heat(account, touched[account], conflicts[account]) for account in ranked)


def _seconds(calls: Sequence[Call]) -> tuple[Second, ...]:
    by_second: dict[int, list[Call]] = defaultdict(list)
    for call in calls:
        by_second[int(call.sent if call.answered is None else call.answered)].append(call)
    seconds = range(min(by_second, default=0), max(by_second, default=-1) + 1)
    return tuple(_second(second, by_second.get(second, [])) for second in seconds)


def _second(second: int, calls: Sequence[Call]) -> Second:
    outcomes = Counter(call.outcome for call in calls)
    waits = spread(caller_ms(calls))
    return Second(
        second,
        outcomes[Outcome.COMMITTED],
        outcomes[Outcome.REFUSED],
        outcomes[Outcome.UNKNOWN],
        sum(call.retries for call in calls),
        waits.p50 if waits else None,
        waits.p99 if waits else None,
    )
