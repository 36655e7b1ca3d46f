"""The judgement on a storm of anyone's transaction: a pure function of its history and of what is allowed.

| finding | what is wrong |
|---|---|
| sum | a sum had another value in some snapshot |
| rule | rows break a rule at the end |
| check | the workload's own check says so |
| broken_off | the storm did not come to its end |
| lost_worker | a worker left no record, or did not close it |
| missing_calls | planned, never made |
| unexpected_refusal | a call was refused by something that the workload does not allow |
| nothing_committed | no call is known to be committed |
| no_conflict | all is well, but no transaction lost to another, and nobody said that this is allowed |
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_dsql.storm.own.history import Broken, Call, History
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.record.verdict import Finding, Verdict, found

NOTHING_MET: Final = (
    "no transaction lost to another, so nothing was shown: let calls meet (fewer keys, more in parallel, dsql.slow), "
    "or say must_conflict=False"
)
SHOWN: Final = 3
"""How much of what the workload's own check says is told."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What calls may be refused with, and whether it may be that nothing conflicted."""

    refusals: Collection[str]
    must_conflict: bool = True


def judge(history: History, allowed: Allowed, own: Iterable[str] = ()) -> Verdict:
    """Judge a storm, what must hold first; ``own`` is what the workload's own check says."""
    findings = [
        *_sums(history),
        *(Finding("rule", _told(name, broken)) for name, broken in history.facts.rules.items() if broken.count),
        *_checked([*own]),
        *_record(history),
        *_answers(history, allowed),
    ]
    if allowed.must_conflict and not history.conflicts and not findings:
        findings.append(Finding("no_conflict", NOTHING_MET))
    unknown = tuple(call.id for call in history.calls if call.outcome is Outcome.UNKNOWN)
    return Verdict(tuple(findings), ambiguous=unknown)


def _sums(history: History) -> Iterator[Finding]:
    for name, value in history.facts.sums.items():
        wrong = [each for each in history.snapshots if name in each.values and each.values[name] != value]
        summary = f"{name} was not {value} in {{n}} of {len(history.snapshots):,} snapshots"
        yield from found("sum", summary, wrong, lambda each, name=name: f"{each.values[name]} at {each.at:.3f} s")  # type: ignore[misc]


def _told(name: str, broken: Broken) -> str:
    rows = "; ".join(", ".join(f"{column} {value}" for column, value in row.items()) for row in broken.rows)
    more = "; …" if broken.count > len(broken.rows) else ""
    return f"{name}: {broken.count:,} row{'s' * (broken.count > 1)} at the end: {rows}{more}"


def _checked(texts: Sequence[str]) -> Iterator[Finding]:
    for text in texts[:SHOWN]:
        yield Finding("check", text)
    if len(texts) > SHOWN:
        yield Finding("check", f"and {len(texts) - SHOWN:,} more")


def _record(history: History) -> Iterator[Finding]:
    facts = history.facts
    if facts.trouble:
        yield Finding("broken_off", facts.trouble)
    for worker in () if facts.trouble else history.lost_workers:  # else they were ended
        words = facts.last_words.get(worker) or "it has said nothing"
        yield Finding("lost_worker", f"{worker} did not come to its end: {words}")
    missing = sorted({*range(facts.planned)} - {call.id for call in history.calls})
    yield from found("missing_calls", f"{{n}} of {facts.planned:,} calls were never made", missing, "call {}".format)


def _answers(history: History, allowed: Allowed) -> Iterator[Finding]:
    def refused(call: Call) -> bool:
        return call.outcome is Outcome.REFUSED and call.code not in allowed.refusals

    yield from found(
        "unexpected_refusal",
        "{n} calls were refused by what the workload does not allow (refusals)",
        filter(refused, history.calls),
        lambda call: f"{call}, {call.code}: {' '.join((call.error or str(call.answer)).split())}",
    )
    if not history.committed:
        yield Finding("nothing_committed", "no call is known to be committed: nothing was shown")
