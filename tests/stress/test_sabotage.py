"""Sabotage: small storms that something is done to, each caught by name, beside the same storm with nothing done."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from infra.stand_in import LocalCloud
from pytest_dsql.storm.record.record import Recorder
from pytest_dsql.storm.record.verdict import Expectations
from pytest_dsql.storm.run import worker
from pytest_dsql.storm.run.worker import Worker, take_part
from pytest_dsql.storm.transfers.answer import Answer
from pytest_dsql.storm.transfers.scenario import COMMITS, Scenario
from tests.fix_target import ROOT
from tests.stress.small import LOAD, names, unknown

if TYPE_CHECKING:
    from infra.cloud import Cloud
    from infra.search.arena import Rival
    from tests.stress.arena import Arena

# As a group of its own it would be one more than there are workers: a share could queue behind one that waits for it.
pytestmark = [pytest.mark.timeout(600), pytest.mark.in_turn("share0")]

MONEY: Final = {"conservation", "reconciliation"}
OPEN: Final = Expectations(refusals=frozenset())
"""Unknown outcomes are allowed: it is judged what the balances say of them."""
CUTS: Final = 5
HALF: Final = LOAD.calls // 4
"""Of the share of one of two workers."""
KILL_LIMIT_S: Final = 60

TRANSACTION: Final = "transfer/transaction.py"
CREDIT: Final = "balance + $1 WHERE"
RETRY: Final = "transfer/retry.py"
CONFLICT: Final = "occ.conflict(error) is None"

LOOSE: Final = """
CREATE FUNCTION occ.loosen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM set_config('default_transaction_isolation', 'read committed', false);
    RETURN NULL;
END $$;
CREATE TRIGGER loosen AFTER UPDATE ON public.accounts FOR EACH STATEMENT EXECUTE FUNCTION occ.loosen();
ALTER TABLE public.accounts ENABLE ALWAYS TRIGGER loosen;
"""
"""A session's first commit has all its later transactions run under READ COMMITTED."""


def test_a_driver_that_drops_a_tenth_of_its_answers(arena: "Arena", monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(Recorder):
        def answered(self, call: int, answer: Answer, **more: Any) -> None:
            if call % 10:
                super().answered(call, answer, **more)

        def committed(self, answers: Sequence[tuple[int, bytes, float]]) -> None:
            super().committed([each for each in answers if each[0] % 10])

    monkeypatch.setattr(worker, "Recorder", Forgetful)
    result = arena.storm()
    assert names(result) == {"unanswered"}
    assert unknown(result) == LOAD.calls // 10


def test_a_worker_that_is_killed_half_way(arena: "Arena") -> None:
    result = arena.storm(rival=doomed(arena.cloud))
    assert names(result) == {"lost_worker", "missing_calls"}
    assert result.history.lost_workers == ("worker01",)
    assert unknown(result) == sum(call.answered is None for call in result.history.calls) > 0


def doomed(cloud: "Cloud") -> "Rival":
    """Let the rival be a process that is killed when it is half-way through its share."""
    if cloud.target != "local":
        pytest.skip("the process reaches the stand-in alone")

    def rival(where: str, scenario: Scenario) -> None:
        command = [sys.executable, "-c", f"from {__name__} import hesitate; hesitate()"]
        path = os.pathsep.join(map(str, (ROOT, ROOT / "src")))
        with subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin and process.stdout  # noqa: PT018
            process.stdin.write(json.dumps({"where": where, "environment": cloud.environment}) + "\n")
            process.stdin.flush()
            process.stdout.readline()
            process.kill()

    return rival


def hesitate() -> None:
    """Be the rival: make half of a share, say so, and wait to be killed with answers that were not written down."""
    told = json.loads(sys.stdin.readline())

    class Hesitant(Recorder):
        written = 0

        def answered(self, call: int, answer: Answer, **more: Any) -> None:
            self.hesitate(1)
            super().answered(call, answer, **more)

        def committed(self, answers: Sequence[tuple[int, bytes, float]]) -> None:
            self.hesitate(len(answers))
            super().committed(answers)

        def hesitate(self, answers: int) -> None:
            self.written += answers
            if self.written >= HALF:
                print("half-way", flush=True)
                threading.Event().wait(KILL_LIMIT_S)

    scenario = Scenario("sabotage", "", COMMITS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "Recorder", Hesitant)
        take_part(LocalCloud(told["environment"]), Worker(told["where"], 1, 2), scenario, LOAD)


def test_read_committed_underneath(arena: "Arena") -> None:
    assert arena.storm(replace(COMMITS, must_conflict=True)).verdict.findings == ()
    with read_committed(arena):
        result = arena.storm()
    assert "reconciliation" in names(result)


@contextmanager
def read_committed(arena: "Arena") -> Iterator[None]:
    """Have the database underneath judge no transaction."""
    import psycopg

    with closing(psycopg.connect(arena.handle.describe()["postgres"], autocommit=True)) as superuser:
        superuser.execute(LOOSE)
        try:
            yield
        finally:
            superuser.execute("DROP FUNCTION occ.loosen() CASCADE")
            for session in arena.handle.sessions():
                arena.handle.expire(session)


def test_a_function_that_retries_an_unknown_commit(arena: "Arena") -> None:
    with arena.handle.fault("cut_after", role="myapp", times=CUTS) as cut:
        honest = arena.storm(OPEN)
    assert cut.times == unknown(honest) == CUTS
    assert honest.verdict.findings == ()

    code = arena.sabotaged(RETRY, CONFLICT, f'{CONFLICT} and type(error).__name__ != "OutcomeUnknown"')
    with arena.handle.fault("cut_after", role="myapp", times=CUTS) as cut:
        result = arena.storm(OPEN, code=code)
    assert cut.times == CUTS
    assert "reconciliation" in names(result)
    assert "conservation" not in names(result)


def test_a_function_that_credits_twice(arena: "Arena") -> None:
    code = arena.sabotaged(TRANSACTION, CREDIT, "balance + 2 * $1 WHERE")
    assert names(arena.storm(code=code)) >= MONEY


def test_a_function_that_debits_without_credit_for_one_call(arena: "Arena") -> None:
    payees = Counter(LOAD.transfer(call).payee_id for call in range(LOAD.calls))
    once = next(payee for payee, times in payees.items() if times == 1)
    code = arena.sabotaged(TRANSACTION, CREDIT, f"balance + CASE id WHEN {once} THEN 0 ELSE 1 END * $1 WHERE")
    texts = {finding.name: finding.text for finding in arena.storm(code=code).verdict.findings}
    assert texts.keys() >= MONEY
    assert "closed with 9,999: 1 lost" in texts["conservation"]
    assert f"account {once} opened at 100" in texts["reconciliation"]
