"""What happened in a storm of anyone's transaction, as data, and how it is read from the workers' files.

Their lines, besides the first and the last, are, with times in seconds since the storm's start:

    {"sent": id, "request": …, "at": …}
    {"answered": id, "at": …, "answer" | "error": …, "outcome": …, "code": …, "retries": …}
    {"snapshot": {sum: value}, "at": …}
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pytest_dsql.storm.record import common
from pytest_dsql.storm.record.journal import SUFFIX, read_lines
from pytest_dsql.storm.record.outcome import Outcome

_MARKER: Final = re.compile(r"\bOC00[01]\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(common.Call):
    """One request that was made, and what came of it; ``answer`` is None where there was none."""

    request: Any
    answer: Any = None

    def __str__(self) -> str:
        return f"call {self.id} {self.request!r}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the sums were, all in one snapshot."""

    at: float
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Broken:
    """The rows that break a rule: how many, and the first of them, by the names of their columns."""

    count: int
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(common.Facts):
    """The conductor's part of the history."""

    sums: Mapping[str, Any] = field(default_factory=dict)
    """What each sum has to be."""
    rules: Mapping[str, Broken] = field(default_factory=dict)
    """What was found when each rule was asked at the end."""
    lost: int | None = None
    """COMMITs that lost to another transaction, as seen at the wire; None where nobody counts."""


@dataclass(frozen=True, slots=True)
class History(common.History):
    """Everything that a storm left behind."""

    facts: Facts
    calls: tuple[Call, ...]
    snapshots: tuple[Snapshot, ...] = ()

    @property
    def committed(self) -> tuple[Call, ...]:
        """The calls that are known to be committed, each with its answer."""
        return tuple(call for call in self.calls if call.outcome is Outcome.COMMITTED)

    @property
    def conflicts(self) -> int:
        """How many transactions lost, at the least: seen at the wire, or told by the calls."""
        return max(self.facts.lost or 0, sum(call.retries + (call.code == "40001") for call in self.calls))


def plain(value: Any) -> Any:
    """Return a value of a database as JSON can hold it: what is equal is equal then too."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value.normalize())
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def read(folder: Path, facts: Facts) -> History:
    """Merge the files of all workers and the reader's; raise RecordDamaged where a line cannot be read."""
    calls: list[Call] = []
    snapshots: list[Snapshot] = []
    cpu_s: dict[str, float] = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        worker, sent = path.name.removesuffix(SUFFIX), dict[int, dict[str, Any]]()
        for line in read_lines(path):
            if "sent" in line:
                sent[line["sent"]] = line
            elif "answered" in line:
                calls.append(_call(worker, sent.pop(line["answered"]), line))
            elif "snapshot" in line:
                snapshots.append(Snapshot(line["at"], line["snapshot"]))
            elif "ended" in line:
                cpu_s[worker] = line["cpu_s"]
        calls += _unanswered(worker, sent)
    lost = tuple(worker for worker in facts.workers if worker not in cpu_s)
    calls.sort(key=lambda call: call.id)
    return History(facts, tuple(calls), lost, cpu_s, snapshots=tuple(snapshots))


def _unanswered(worker: str, sent: Mapping[int, dict[str, Any]]) -> Iterator[Call]:
    for line in sent.values():
        yield _call(worker, line, {"outcome": Outcome.UNKNOWN, "code": "unanswered"})


def _call(worker: str, sent: dict[str, Any], answer: dict[str, Any]) -> Call:
    error = answer.get("error")
    marker = _MARKER.search(error or "")
    return Call(
        id=sent["sent"],
        due=sent["at"],
        sent=sent["at"],
        worker=worker,
        answered=answer.get("at"),
        outcome=Outcome(answer["outcome"]),
        code=answer["code"],
        marker=marker[0] if marker else None,
        error=error,
        retries=answer.get("retries", 0),
        request=sent["request"],
        answer=answer.get("answer"),
    )
