"""The record of a storm on disk: one file of JSON lines per worker, and the conductor's facts.

A line is one of, with times in seconds since the storm's start:

    {"begun": worker}
    {"sent": id, "payer": …, "payee": …, "amount": …, "due": …, "at": …}
    {"answered": id, "at": …, "payload" | "function_error" | "client_error": …, "throttles": …}
    {"reading": total, "count": …, "begun": …, "ended": …}
    {"ended": worker, "cpu_s": …}

``throttles`` is left out where there were none. A worker that was killed has no last line.
"""

import dataclasses
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from pytest_dsql.storm.record.model import Call, Facts, History, Reading
from pytest_dsql.storm.transfers.answer import UNANSWERED, Answer, Kind, Meaning, meaning
from pytest_dsql.storm.transfers.plan import Transfer

SUFFIX: Final = ".jsonl"
FACTS: Final = "facts.json"
_SENT: Final = b'{"sent":%d,"payer":%d,"payee":%d,"amount":%d,"due":%.6f,"at":%.6f}\n'
_COMMITTED: Final = b'{"answered":%d,"at":%.6f,"payload":%b}\n'
_KINDS: Final = [(kind.value, kind) for kind in Kind]


def worker_name(share: int) -> str:
    """Return the name that the record of a worker has."""
    return f"worker{share:02}"


class RecordDamaged(ValueError):
    """A line that is not the last of its file cannot be read; the message names file and line."""


class Recorder:
    """A worker's file, written as things happen: whole lines, so that a worker that is killed loses nothing.

    Its methods may be called from any thread. One per process: it also measures the process's CPU time. Leaving the
    context by an exception leaves the record unfinished, as a kill does. Raises FileExistsError where the worker has
    written already, OSError where the disk is full.
    """

    def __init__(self, path: Path, worker: str) -> None:
        """``path`` is the folder of the storm; the file is named for the worker."""
        self._worker, self._cpu = worker, time.process_time()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._file = os.open(path / f"{worker}{SUFFIX}", flags, 0o644)
        self._write({"begun": worker})

    def sent(self, calls: Sequence[tuple[int, Transfer, float]], *, at: float) -> None:
        """Note calls that go out now, each with the time when it was due; to be called before they do."""
        lines = [_SENT % (call, each.payer_id, each.payee_id, each.amount, due, at) for call, each, due in calls]
        self._append(b"".join(lines))

    def committed(self, answers: Sequence[tuple[int, bytes, float]]) -> None:
        """Note answers that are known to be JSON of one line, by call and time, as they came."""
        self._append(b"".join([_COMMITTED % (call, at, payload) for call, payload, at in answers]))

    def answered(self, call: int, answer: Answer, *, at: float, throttles: int = 0) -> None:
        """Note what came back of a call."""
        line = {"answered": call, "at": round(at, 6), answer.kind.value: answer.body}
        if throttles:
            line["throttles"] = throttles
        self._write(line)

    def reading(self, reading: Reading) -> None:
        """Note what a reader saw."""
        times = {"begun": round(reading.begun, 6), "ended": round(reading.ended, 6)}
        self._write({"reading": reading.total, "count": reading.count, **times})

    def close(self) -> None:
        """Say that this worker has done all it had to, and close the file."""
        self._write({"ended": self._worker, "cpu_s": round(time.process_time() - self._cpu, 3)})
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            os.close(self._file)

    def _write(self, line: dict[str, Any]) -> None:
        self._append(json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def _append(self, lines: bytes) -> None:
        # O_APPEND makes one write one piece, whichever threads write at the same time.
        if lines and os.write(self._file, lines) != len(lines):
            raise OSError(f"{self._worker}'s record was written in part")


def save(folder: Path, facts: Facts) -> None:
    """Write the conductor's part of the history beside the workers' files."""
    (folder / FACTS).write_text(json.dumps(dataclasses.asdict(facts), indent=1, default=str) + "\n", encoding="utf-8")


def load(folder: Path) -> Facts:
    """Read what ``save`` wrote; raises FileNotFoundError where the conductor did not come to it."""
    values = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    values["closing"] = {int(account): balance for account, balance in values["closing"].items()}
    values["workers"] = tuple(values["workers"])
    return Facts(**values)


def read(folder: Path, facts: Facts | None = None) -> History:
    """Merge the files of all workers; ``facts`` where they are not yet on disk.

    The last line of a worker that was killed may be cut short; raises RecordDamaged for any other that is.
    """
    facts = facts or load(folder)
    merged = _Merged()
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        merged.add(path)
    lost = {worker for worker in merged.begun if worker not in merged.cpu_s} | {*facts.workers} - merged.begun
    return History(
        facts,
        tuple(sorted(merged.calls, key=lambda call: (call.id, call.sent))),
        tuple(sorted(merged.readings, key=lambda reading: reading.begun)),
        tuple(sorted(lost)),
        tuple(sorted(merged.strays)),
        merged.cpu_s,
    )


class _Merged:
    """What the files have said so far."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.readings: list[Reading] = []
        self.strays: list[int] = []
        self.begun: set[str] = set()
        self.cpu_s: dict[str, float] = {}

    def add(self, path: Path) -> None:
        worker = path.name.removesuffix(SUFFIX)
        self.begun.add(worker)
        waiting: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for line in _lines(path):
            if "sent" in line:
                waiting[line["sent"]].append(line)
            elif "answered" in line:
                self._answered(worker, waiting.get(line["answered"]), line)
            elif "reading" in line:
                self.readings.append(Reading(line["begun"], line["ended"], line["count"], line["reading"]))
            elif "ended" in line:
                self.cpu_s[worker] = line["cpu_s"]
        self.calls += [_call(worker, line, None) for lines in waiting.values() for line in lines]

    def _answered(self, worker: str, waiting: list[dict[str, Any]] | None, answer: dict[str, Any]) -> None:
        if waiting:
            self.calls.append(_call(worker, waiting.pop(0), answer))
        else:
            self.strays.append(answer["answered"])


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                # Only the last line can lack its end.
                if line.endswith("\n"):
                    raise RecordDamaged(f"{path.name}, line {number}: {error}") from error


def _call(worker: str, sent: dict[str, Any], answer: dict[str, Any] | None) -> Call:
    said = UNANSWERED if answer is None else _meaning(answer)
    answer = answer or {}
    return Call(
        sent["sent"],
        sent["payer"],
        sent["payee"],
        sent["amount"],
        sent["due"],
        sent["at"],
        worker,
        answer.get("at"),
        said.outcome,
        said.balance,
        said.code,
        said.marker,
        said.text,
        said.duration_ms,
        said.retries,
        answer.get("throttles", 0),
        said.known,
    )


def _meaning(answer: dict[str, Any]) -> Meaning:
    kind = next((kind for name, kind in _KINDS if name in answer), Kind.PAYLOAD)
    return meaning(Answer(kind, answer.get(kind.value)))
