"""Random histories of a few sessions over a few rows: the stand-in answers each step as the model does."""

import os
import random
from collections.abc import Sequence

import psycopg
import pytest

from tests.fix_cluster import Cluster
from tests.fix_sessions import Session, Stage
from tests.history_model import START, Answer, Model, Step, compact, history

COUNT = int(os.environ.get("DSQL_HISTORIES", "300"))
PARTS = 4
SEED = int(os.environ.get("DSQL_HISTORY_SEED") or random.randrange(1 << 32))
ROWS = ", ".join(map(str, START.items()))


@pytest.fixture
def sessions(stage: Stage, cluster: Cluster) -> list[Session]:
    if cluster.target != "local":
        pytest.skip("thousands of transactions, of the model's own snapshot instant")
    stage.set_up("CREATE TABLE h (id int PRIMARY KEY, v int NOT NULL)")
    return [stage.open() for _ in range(4)]


def told(session: Session, statement: str) -> Answer:
    try:
        rows = session(statement)
    except psycopg.Error as error:
        return Answer(sqlstate=error.sqlstate or str(error))
    return Answer(session.tag, tuple(sorted(rows)))


def mismatch(sessions: Sequence[Session], steps: Sequence[Step]) -> str:
    """Play a history on fresh rows; return it up to where the model says otherwise, nothing where it never does."""
    for session in sessions:
        if session.status:
            session("ROLLBACK")
    sessions[0](f"DELETE FROM h; INSERT INTO h VALUES {ROWS}")
    model, answers = Model(START), []
    for step in steps:
        answers.append(told(sessions[step.session], step.sql))
        expected = model.take(step)
        if answers[-1] != expected:
            return f"{compact(steps[: len(answers)], answers)}\nthe model says {expected}"
    rows = tuple(sessions[0]("SELECT id, v FROM h ORDER BY id")) if not sessions[0].status else ()
    expected_rows = tuple(sorted(model.rows.items()))
    return "" if not rows or rows == expected_rows else f"{compact(steps, answers)}\n{rows}, not {expected_rows}"


def shrunk(sessions: Sequence[Session], steps: list[Step]) -> str:
    """Leave out what the mismatch does not need."""
    at = 0
    while at < len(steps):
        fewer = steps[:at] + steps[at + 1 :]
        if mismatch(sessions, fewer):
            steps = fewer
        else:
            at += 1
    return mismatch(sessions, steps)


def check(sessions: list[Session], seed: int, count: int, *verbs: str) -> None:
    print(f"DSQL_HISTORY_SEED={SEED} DSQL_HISTORIES={COUNT}")
    source = random.Random(seed)
    for number in range(count):
        steps = history(source, *verbs)
        if mismatch(sessions, steps):
            pytest.fail(f"history {number} of seed {seed}:\n{shrunk(sessions, steps)}")


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.timeout(max(60, COUNT // 5))
def test_histories_are_those_of_snapshot_isolation(sessions: list[Session], part: int) -> None:
    check(sessions, SEED + part, COUNT // PARTS)


@pytest.mark.timeout(max(60, COUNT // 5))
def test_histories_with_key_shares(sessions: list[Session]) -> None:
    check(sessions, SEED, COUNT // 10, "key_share", "key_share")
