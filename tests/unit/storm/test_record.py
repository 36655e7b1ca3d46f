from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_dsql.storm.record.journal import RecordDamaged
from pytest_dsql.storm.record.model import Facts, Reading
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.record.record import Recorder, load, read, save
from pytest_dsql.storm.transfers.answer import Answer, AnswerKind, of_client_error
from pytest_dsql.storm.transfers.plan import PlannedTransfer

FACTS = Facts(
    planned=4,
    accounts=2,
    opening=100,
    closing={1: 90, 2: 110},
    workers=("gw0",),
    configuration={"target": "aws", "seed": 7},
)
TEN = PlannedTransfer(1, 2, 10)
BALANCE = Answer(AnswerKind.PAYLOAD, {"balance": 90, "duration": 3.5, "retries": 1})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    save(tmp_path, FACTS)
    with Recorder(tmp_path, "gw0") as record:
        record.sent([(0, TEN, 0.1)], at=0.25)
        record.answered(0, BALANCE, at=0.5, throttles=2)
        record.sent([(1, TEN, 0.3)], at=0.3)
        record.answered(1, of_client_error("ReadTimeoutError", "60 s"), at=60.3)
        record.sent([(2, TEN, 0.4)], at=0.4)
        record.reading(Reading(0.1, 0.2, 2, 200))
    history = read(tmp_path)
    first, second, third = history.calls
    assert (first.outcome, first.balance, first.due, first.sent, first.answered) == (
        Outcome.COMMITTED,
        90,
        0.1,
        0.25,
        0.5,
    )
    assert (first.throttles, first.retries, first.duration_ms, first.worker) == (2, 1, 3.5, "gw0")
    assert (second.outcome, second.code, second.error) == (Outcome.UNKNOWN, "ReadTimeoutError", "60 s")
    assert (third.outcome, third.answered) == (Outcome.UNKNOWN, None)
    assert history.readings == (Reading(0.1, 0.2, 2, 200),)
    assert (history.lost_workers, history.stray_answers, list(history.cpu_s)) == ((), (), ["gw0"])


def test_answers_may_be_written_as_they_came(tmp_path: Path) -> None:
    with Recorder(tmp_path, "gw0") as record:
        record.sent([(0, TEN, 0.0), (1, TEN, 0.5)], at=0.5)
        record.committed([(number, b'{"balance": 9, "duration": 1.5, "retries": 2}', 1.0) for number in (1, 0)])
    calls = read(tmp_path, FACTS).calls
    assert [(call.id, call.due, call.sent, call.answered) for call in calls] == [(0, 0, 0.5, 1), (1, 0.5, 0.5, 1)]
    assert {(call.outcome, call.balance, call.retries) for call in calls} == {(Outcome.COMMITTED, 9, 2)}


def test_facts_come_back(tmp_path: Path) -> None:
    save(tmp_path, FACTS)
    assert load(tmp_path) == FACTS


def test_a_killed_worker_loses_its_last_line_alone(tmp_path: Path) -> None:
    Recorder(tmp_path, "gw0").sent([(0, TEN, 0)], at=0)
    with (tmp_path / "gw0.jsonl").open("a") as file:
        file.write('{"answered":0,"at":0.')
    history = read(tmp_path, FACTS)
    assert [call.answered for call in history.calls] == [None]
    assert history.lost_workers == ("gw0",)


def test_a_worker_that_left_nothing_is_lost(tmp_path: Path) -> None:
    assert read(tmp_path, FACTS).lost_workers == ("gw0",)


def test_a_worker_that_failed_is_lost(tmp_path: Path) -> None:
    with pytest.raises(KeyError), Recorder(tmp_path, "gw0"):
        raise KeyError
    assert read(tmp_path, FACTS).lost_workers == ("gw0",)


def test_damage_elsewhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "gw0.jsonl").write_text('{"begun":"gw0"}\n{"sent":\n{"ended":"gw0","cpu_s":1}\n')
    with pytest.raises(RecordDamaged, match="gw0.jsonl, line 2"):
        read(tmp_path, FACTS)


def test_a_worker_writes_once(tmp_path: Path) -> None:
    Recorder(tmp_path, "gw0").close()
    with pytest.raises(FileExistsError):
        Recorder(tmp_path, "gw0")


def test_answers_too_many_are_kept(tmp_path: Path) -> None:
    with Recorder(tmp_path, "gw0") as record:
        record.sent([(3, TEN, 0)], at=0)
        for _ in range(2):
            record.answered(3, BALANCE, at=1)
        record.answered(4, BALANCE, at=1)
    assert read(tmp_path, FACTS).stray_answers == (3, 4)


def test_threads_and_workers_are_merged_by_id(tmp_path: Path) -> None:
    with Recorder(tmp_path, "gw0") as one, Recorder(tmp_path, "gw1") as other, ThreadPoolExecutor(8) as pool:
        for number in range(400):
            pool.submit((one, other)[number % 2].sent, [(number, TEN, 0)], at=0)
    calls = read(tmp_path, FACTS).calls
    assert [call.id for call in calls] == list(range(400))
    assert {call.worker for call in calls} == {"gw0", "gw1"}
