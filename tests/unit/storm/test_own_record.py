"""What workers of a storm of anyone's transaction leave on disk, and what is read of it."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pytest_dsql.storm.own.history import Facts, plain, read
from pytest_dsql.storm.own.load import OutOfRange, OwnLoad
from pytest_dsql.storm.record.journal import Journal, RecordDamaged
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.report.revision import revision

FACTS = Facts(planned=2, workers=("worker00", "worker01"))
ORDER = OwnLoad(calls=10, parallel=5, seed=3, processes=2)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    with Journal(tmp_path, "worker00") as journal:
        journal.write({"sent": 1, "request": {"sku": UUID(int=1)}, "at": 0.5})
        error = "SerializationFailure: change conflicts (OC000)"
        journal.write({"answered": 1, "at": 0.7, "error": error, "outcome": "refused", "code": "40001", "retries": 2})
    with Journal(tmp_path, "reader") as journal:
        journal.write({"snapshot": {"stock": 9}, "at": 0.6})
    history = read(tmp_path, FACTS)
    (call,) = history.calls
    assert (call.request, call.answered, call.outcome) == ({"sku": str(UUID(int=1))}, 0.7, Outcome.REFUSED)
    assert (call.code, call.marker, call.retries, call.met_conflict) == ("40001", "OC000", 2, True)
    assert (history.snapshots[0].values, history.lost_workers, history.conflicts) == ({"stock": 9}, ("worker01",), 3)


def test_a_killed_worker_leaves_what_it_has_sent_and_half_a_line(tmp_path: Path) -> None:
    lines = [{"begun": "worker00"}, {"sent": 0, "request": 5, "at": 0.1}]
    (tmp_path / "worker00.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"answ')
    history = read(tmp_path, FACTS)
    (call,) = history.calls
    assert (call.outcome, call.code, call.answered, call.request) == (Outcome.UNKNOWN, "unanswered", None, 5)
    assert history.lost_workers == ("worker00", "worker01")


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "worker00.jsonl").write_text('{"begun\n{"sent": 0}\n')
    with pytest.raises(RecordDamaged, match="worker00.jsonl, line 1"):
        read(tmp_path, FACTS)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(Decimal("10.00"), 10), (Decimal("1.50"), "1.5"), (None, None), (True, True), (UUID(int=0), str(UUID(int=0)))],
)
def test_equal_values_are_equal_in_the_record(value: Any, expected: Any) -> None:
    assert plain(value) == expected


def test_processes_make_each_call_once_with_all_threads() -> None:
    assert sorted(call for share in range(ORDER.shares) for call in ORDER.share(share)) == [*range(10)]
    assert [ORDER.threads(share) for share in range(ORDER.shares)] == [3, 2]
    assert OwnLoad(1, 1, 0, 8).shares == 1


def test_a_seed_draws_the_same() -> None:
    assert ORDER.chance(4).random() == ORDER.chance(4).random() != ORDER.chance(5).random()


@pytest.mark.parametrize("name", ["calls", "parallel", "processes"])
def test_a_number_that_cannot_be_is_named(name: str) -> None:
    with pytest.raises(OutOfRange, match=f"^{name}: must be at least 1, not 0$"):
        OwnLoad(**{"calls": 1, "parallel": 1, "seed": 1, "processes": 1, name: 0})


def test_the_revision_is_gits_where_there_is_one(tmp_path: Path) -> None:
    assert revision(tmp_path).startswith("pytest-dsql ")
    commands = ("init -q", "-c user.name=a -c user.email=a@b commit -q --allow-empty -m one")
    for words in commands:
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
    assert len(revision(tmp_path)) == len("revision ") + 12


def test_nothing_that_the_extra_brings_is_needed() -> None:
    program = (
        "import sys; import pytest_dsql.storm.own.worker, pytest_dsql.storm.own.storm; "
        "print({'pycurl', 'matplotlib', 'psycopg', 'boto3'} & {*sys.modules})"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "set()\n"
