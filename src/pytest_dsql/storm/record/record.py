"""The record of a storm on disk: one file of JSON lines per worker, and the conductor's facts.

A line is one of, with times in seconds since the storm's start:

    {"begun": worker}
    {"sent": id, "payer": …, "payee": …, "amount": …, "at": …, "due": …}
    {"again": id, "at": …, "outcome": …, "code": …}
    {"answered": id, "at": …, "payload" | "function_error" | "client_error": …, "throttles": …}
    {"reading": total, "count": …, "begun": …, "ended": …}
    {"fault": kind, "begun": …, "ended": …, "met": …, "trouble": …}
    {"ended": worker, "cpu_s": …}

``throttles`` is left out where there were none, ``due`` where a call went out when it was due; what is sent has a
``transfer_id`` in a storm with ids. ``again`` says that a call was answered so and is sent once more; only one with an
id may be. A worker that was killed has no last line.
"""

import dataclasses
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pytest_dsql.storm.record.common import Fault
from pytest_dsql.storm.record.journal import SUFFIX, Journal, read_lines
from pytest_dsql.storm.record.model import Call, Earlier, Facts, History, Ledger, Reading, Receipt
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.transfers.answer import UNANSWERED, Answer, AnswerKind, AnswerMeaning, last_of, meaning
from pytest_dsql.storm.transfers.plan import PlannedTransfer

FACTS: Final = "facts.json"
_SENT: Final = b'{"sent":%d,"payer":%d,"payee":%d,"amount":%d%b,"at":%.6f}\n'
_SENT_LATE: Final = b'{"sent":%d,"payer":%d,"payee":%d,"amount":%d%b,"at":%.6f,"due":%.6f}\n'
_COMMITTED: Final = b'{"answered":%d,"at":%.6f,"payload":%b}\n'
_KINDS: Final = [(kind.value, kind) for kind in AnswerKind]


class Recorder(Journal):
    """A worker's file."""

    def sent(self, calls: Sequence[tuple[int, PlannedTransfer, float]], *, at: float) -> None:
        """Note calls that go out now, each with the time when it was due; to be called before they do."""
        lines = [
            _SENT % (*_asked(call, each), at) if due == at else _SENT_LATE % (*_asked(call, each), at, due)
            for call, each, due in calls
        ]
        self.append(b"".join(lines))

    def again(self, call: int, told: AnswerMeaning, *, at: float) -> None:
        """Note that a call which was answered is sent once more; to be called before it is."""
        self.write({"again": call, "at": round(at, 6), "outcome": told.outcome, "code": told.code})

    def committed(self, answers: Sequence[tuple[int, bytes, float]]) -> None:
        """Note answers that are known to be JSON of one line, by call and time, as they came."""
        self.append(b"".join([_COMMITTED % (call, at, payload) for call, payload, at in answers]))

    def answered(self, call: int, answer: Answer, *, at: float, throttles: int = 0) -> None:
        """Note what came back of a call."""
        line = {"answered": call, "at": round(at, 6), answer.kind.value: answer.body}
        if throttles:
            line["throttles"] = throttles
        self.write(line)

    def reading(self, reading: Reading) -> None:
        """Note what a reader saw."""
        times = {"begun": round(reading.begun, 6), "ended": round(reading.ended, 6)}
        self.write({"reading": reading.total, "count": reading.count, **times})

    def fault(self, fault: Fault) -> None:
        """Note what was broken on purpose."""
        times = {"begun": round(fault.begun, 6), "ended": round(fault.ended, 6)}
        self.write({"fault": fault.kind, **times, "met": fault.met, "trouble": fault.trouble})


def _asked(call: int, transfer: PlannedTransfer) -> tuple[int, int, int, int, bytes]:
    return call, transfer.payer_id, transfer.payee_id, transfer.amount, _id(transfer)


def _id(transfer: PlannedTransfer) -> bytes:
    return b',"transfer_id":"%b"' % str(transfer.transfer_id).encode() if transfer.transfer_id else b""


def save(folder: Path, facts: Facts) -> None:
    """Write the conductor's part of the history beside the workers' files."""
    (folder / FACTS).write_text(json.dumps(dataclasses.asdict(facts), indent=1, default=str) + "\n", encoding="utf-8")


def load(folder: Path) -> Facts:
    """Read what ``save`` wrote; raises FileNotFoundError where the conductor did not come to it."""
    values = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    values["closing"] = {int(account): balance for account, balance in values["closing"].items()}
    values["workers"] = tuple(values["workers"])
    if values.get("receipts") is not None:
        values["receipts"] = {id_: Receipt(**receipt) for id_, receipt in values["receipts"].items()}
    values["history"] = Ledger(**values["history"]) if values.get("history") else None
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
        tuple(sorted(lost)),
        merged.cpu_s,
        readings=tuple(sorted(merged.readings, key=lambda reading: reading.begun)),
        stray_answers=tuple(sorted(merged.strays)),
        faults=tuple(sorted(merged.faults, key=lambda fault: fault.begun)),
    )


class _Merged:
    """What the files have said so far."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.readings: list[Reading] = []
        self.strays: list[int] = []
        self.faults: list[Fault] = []
        self.begun: set[str] = set()
        self.cpu_s: dict[str, float] = {}

    def add(self, path: Path) -> None:
        worker = path.name.removesuffix(SUFFIX)
        self.begun.add(worker)
        waiting: dict[int, list[dict[str, Any]]] = defaultdict(list)
        earlier: dict[int, list[Earlier]] = defaultdict(list)
        for line in read_lines(path):
            if "sent" in line:
                waiting[line["sent"]].append(line)
            elif "again" in line:
                earlier[line["again"]].append(Earlier(line["at"], Outcome(line["outcome"]), line["code"]))
            elif "answered" in line:
                self._answered(worker, waiting, line, earlier.pop(line["answered"], []))
            elif "reading" in line:
                self.readings.append(Reading(line["begun"], line["ended"], line["count"], line["reading"]))
            elif "fault" in line:
                self.faults.append(Fault(line["fault"], line["begun"], line["ended"], line["met"], line["trouble"]))
            elif "ended" in line:
                self.cpu_s[worker] = line["cpu_s"]
        self.calls += [
            _call(worker, line, None, earlier.pop(call, [])) for call, lines in waiting.items() for line in lines
        ]

    def _answered(
        self, worker: str, waiting: dict[int, list[dict[str, Any]]], answer: dict[str, Any], earlier: list[Earlier]
    ) -> None:
        number = answer["answered"]
        if number not in waiting:
            self.strays.append(number)
            return
        self.calls.append(_call(worker, waiting[number].pop(0), answer, earlier))
        if not waiting[number]:  # what has been answered is not kept
            del waiting[number]


def _call(worker: str, sent: dict[str, Any], answer: dict[str, Any] | None, earlier: list[Earlier]) -> Call:
    said = UNANSWERED if answer is None else _meaning(answer)
    said = last_of(said, uncertain=any(each.outcome is Outcome.UNKNOWN for each in earlier))
    answer = answer or {}
    return Call(
        id=sent["sent"],
        payer=sent["payer"],
        payee=sent["payee"],
        amount=sent["amount"],
        due=sent.get("due", sent["at"]),
        sent=sent["at"],
        worker=worker,
        answered=answer.get("at"),
        outcome=said.outcome,
        balance=said.balance,
        code=said.code,
        marker=said.marker,
        error=said.text,
        duration_ms=said.duration_ms,
        retries=said.retries,
        throttles=answer.get("throttles", 0),
        known=said.known,
        transfer_id=sent.get("transfer_id"),
        earlier=tuple(earlier),
    )


def _meaning(answer: dict[str, Any]) -> AnswerMeaning:
    kind = next((kind for name, kind in _KINDS if name in answer), AnswerKind.PAYLOAD)
    return meaning(Answer(kind, answer.get(kind.value)))
