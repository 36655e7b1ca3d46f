"""Sessions that make, change, drop, read and write the same few tables at once: they lose, and go on."""

import random
import threading
import time
from collections import Counter

import psycopg
import pytest

from tests.fix_sessions import Session, Stage

SECONDS = 4.0
SESSIONS = 5
TABLES = ("t0", "t1", "t2")
TELL = frozenset({"40001", "42P01", "42703", "42P10", "42704", "42710", "42P07", "42701", "23505", "25P02"})
"""Lost to another, or a name that has gone or come meanwhile."""
STATEMENTS = (
    "CREATE TABLE IF NOT EXISTS {t} (id int PRIMARY KEY, v int, w text)",
    "DROP TABLE IF EXISTS {t} CASCADE",
    "ALTER TABLE {t} ADD COLUMN IF NOT EXISTS c{n} int",
    "ALTER TABLE {t} ADD CONSTRAINT c{n} CHECK (v > -1) NOT VALID",
    "CREATE INDEX ASYNC IF NOT EXISTS {t}_v ON {t} (v)",
    "CREATE UNIQUE INDEX ASYNC IF NOT EXISTS {t}_w ON {t} (w)",
    "DROP INDEX IF EXISTS {t}_v",
    "CREATE OR REPLACE VIEW shown AS SELECT id, v FROM {t}",
    "GRANT SELECT ON {t} TO admin",
    "SELECT relname FROM pg_class WHERE relname = '{t}'",
    *3 * ("INSERT INTO {t} (id, v) VALUES ({n}, 1) ON CONFLICT (id) DO UPDATE SET v = excluded.v",),
    *3 * ("UPDATE {t} SET v = v + 1 WHERE id < {n}", "SELECT count(*) FROM {t}"),
)


def churn(session: Session, chance: random.Random, until: float, told: Counter[str]) -> None:
    while time.monotonic() < until:
        statement = chance.choice(STATEMENTS).format(t=chance.choice(TABLES), n=chance.randrange(9))
        try:
            session.connection.execute(statement, prepare=chance.random() < 0.5)
            told["done"] += 1
        except psycopg.Error as error:
            told[error.sqlstate or str(error)] += 1


@pytest.mark.timeout(120)
def test_sessions_that_change_one_schema_at_once_go_on(stage: Stage) -> None:
    seed = random.randrange(1 << 32)
    told, until = Counter[str](), time.monotonic() + SECONDS
    sessions = [stage.open() for _ in range(SESSIONS)]
    threads = [
        threading.Thread(target=churn, args=(session, random.Random(f"{seed}/{number}"), until, told))
        for number, session in enumerate(sessions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), f"seed {seed}"
    assert told.keys() <= TELL | {"done"}, f"seed {seed}: {told}"
    assert told["done"] > 0
    for session in sessions:
        assert session("SELECT 1") == [1]
