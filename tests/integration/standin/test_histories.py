"""Random histories of a few sessions over a few rows: the stand-in answers each step as the model does."""

import os
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import psycopg
import pytest

from tests import history_model, integrity_model
from tests.fix_cluster import Cluster
from tests.fix_sessions import Session, Stage
from tests.history_model import SessionAnswer, compact

COUNT = int(os.environ.get("DSQL_HISTORIES", "300"))
PARTS = 4
SEED = int(os.environ.get("DSQL_HISTORY_SEED") or random.randrange(1 << 32))

pytestmark = pytest.mark.timeout(max(60, COUNT // 3))


@dataclass(frozen=True)
class Ground:
    """Tables that histories are played on: how they are made, filled again and read, and their model."""

    tables: tuple[str, ...]
    fill: tuple[str, ...]
    contents: tuple[str, ...]
    model: Callable[[], Any]
    expected: Callable[[Any], Sequence[Iterable[tuple[int | None, ...]]]]


def _values(rows: dict[int, Any]) -> str:
    each = ((key, *(row if isinstance(row, tuple) else (row,))) for key, row in rows.items())
    return ", ".join(str(row).replace("None", "NULL") for row in each)


ROWS: Final = Ground(
    ("CREATE TABLE h (id int PRIMARY KEY, v int NOT NULL)",),
    ("DELETE FROM h", f"INSERT INTO h VALUES {_values(history_model.START)}"),
    ("SELECT id, v FROM h",),
    partial(history_model.Model, history_model.START),
    lambda model: [model.rows.items()],
)
REFERENCES: Final = Ground(
    (
        "CREATE TABLE p (id int PRIMARY KEY, v int, u int UNIQUE)",
        "CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p (id), v int)",
    ),
    (
        "DELETE FROM c",
        "DELETE FROM p",
        *(f"INSERT INTO {table} VALUES {_values(rows)}" for table, rows in integrity_model.START.items()),
    ),
    ("SELECT * FROM p", "SELECT * FROM c"),
    partial(integrity_model.Model, integrity_model.START),
    lambda model: [[(key, *row) for key, row in model.rows[table].items()] for table in ("p", "c")],
)


@pytest.fixture
def sessions(stage: Stage, cluster: Cluster) -> Callable[[Ground], list[Session]]:
    """Make tables; give sessions that have heard of them."""
    if cluster.target != "local":
        pytest.skip("thousands of transactions, of the model's own snapshot instant")

    def opened(ground: Ground) -> list[Session]:
        stage.set_up(*ground.tables)
        return [stage.open() for _ in range(5)]

    return opened


def told(session: Session, statement: str) -> SessionAnswer:
    try:
        rows = session(statement)
    except psycopg.Error as error:
        return SessionAnswer(sqlstate=error.sqlstate or str(error))
    return SessionAnswer(session.tag, tuple(sorted(rows, key=repr)))


def prepare(players: Sequence[Session], clerk: Session, ground: Ground) -> None:
    """Fill the tables anew; have the players in no transaction, and hear of every schema change."""
    for statement in ground.fill:
        clerk.retried(statement)
    for session in players:
        if session.status:
            session("ROLLBACK")
        for statement in ground.contents:
            session.retried(statement)


def mismatch(sessions: Sequence[Session], ground: Ground, steps: Sequence[Any]) -> str:
    """Play a history on fresh rows; return it up to where the model says otherwise, nothing where it never does."""
    *players, clerk = sessions
    prepare(players, clerk, ground)
    model, answers = ground.model(), []
    for step in steps:
        answers.append(told(players[step.session], step.sql))
        expected = model.take(step)
        if answers[-1] != expected:
            return f"{compact(steps[: len(answers)], answers)}\nthe model says {expected}"
    for statement, rows in zip(ground.contents, ground.expected(model), strict=True):
        found = sorted(map(tuple, clerk.retried(statement)), key=repr)
        if found != sorted(rows, key=repr):
            return f"{compact(steps, answers)}\n{statement}: {found}, not {sorted(rows, key=repr)}"
    return ""


def shrunk(sessions: Sequence[Session], ground: Ground, steps: list[Any]) -> str:
    """Leave out what the mismatch does not need."""
    at = 0
    while at < len(steps):
        fewer = steps[:at] + steps[at + 1 :]
        if mismatch(sessions, ground, fewer):
            steps = fewer
        else:
            at += 1
    return mismatch(sessions, ground, steps)


def check(
    sessions: list[Session], ground: Ground, seed: int, count: int, history: Callable[[random.Random], list[Any]]
) -> None:
    print(f"DSQL_HISTORY_SEED={SEED} DSQL_HISTORIES={COUNT}")
    source = random.Random(seed)
    for number in range(count):
        steps = history(source)
        if mismatch(sessions, ground, steps):
            pytest.fail(f"history {number} of seed {seed}:\n{shrunk(sessions, ground, steps)}")


Opened = Callable[[Ground], list[Session]]


@pytest.mark.parametrize("part", range(PARTS))
def test_histories_are_those_of_snapshot_isolation(sessions: Opened, part: int) -> None:
    check(sessions(ROWS), ROWS, SEED + part, COUNT // PARTS, history_model.history)


def test_histories_with_key_shares(sessions: Opened) -> None:
    shares = partial(history_model.history, more=("key_share", "key_share"))
    check(sessions(ROWS), ROWS, SEED, COUNT // 10, shares)


@pytest.mark.parametrize("part", range(PARTS))
def test_histories_of_unique_keys_and_references(sessions: Opened, part: int) -> None:
    check(sessions(REFERENCES), REFERENCES, SEED + part, COUNT // PARTS // 2, integrity_model.history)


def test_histories_with_bodies(sessions: Opened) -> None:
    bodies = partial(integrity_model.history, bodies=True)
    check(sessions(REFERENCES), REFERENCES, SEED, COUNT // 6, bodies)


def test_histories_with_schema_changes(sessions: Opened) -> None:
    grants = partial(integrity_model.history, grants=True)
    check(sessions(REFERENCES), REFERENCES, SEED, COUNT // 6, grants)
