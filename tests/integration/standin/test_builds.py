"""Index builds beside other work: they fail nobody's schema changes, hold nobody up, and give way."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.fix_sessions import Session, Stage

MIGRATIONS = int(os.environ.get("DSQL_MIGRATIONS", "8"))
TABLE = "CREATE TABLE m (id int PRIMARY KEY, a int, b int, c int, d int, e int)"
SEED = "INSERT INTO m SELECT g, g, g, g, g, g FROM generate_series(1, 500) g"
INDEXES = [f"CREATE {'UNIQUE ' * (column == 'b')}INDEX ASYNC m_{column} ON m ({column})" for column in "abcde"]


class Busy:
    """A session that reads and writes until it is told to stop; others' schema changes cost it transactions."""

    def __init__(self, session: Session) -> None:
        self._session, self._over = session, threading.Event()
        self.committed, self.slowest_s, self.failure = 0, 0.0, None
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        number = 0
        while not self._over.is_set():
            number = number % 500 + 1
            began = time.monotonic()
            try:
                with self._session.connection.transaction():
                    self._session("SELECT a FROM m WHERE id = %s", number)
                    self._session("UPDATE m SET c = c + 1 WHERE id = %s", number)
                self.committed += 1
            except psycopg.errors.SerializationFailure:
                pass
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    def stop(self) -> None:
        self._over.set()
        self._thread.join(10)


@contextmanager
def working(stage: Stage) -> Iterator[Busy]:
    worker = Busy(stage.open())
    try:
        yield worker
    finally:
        worker.stop()


@pytest.mark.timeout(300)
def test_a_migration_of_five_indexes_passes_beside_readers_and_writers(stage: Stage) -> None:
    migrating = stage.set_up(TABLE, SEED)
    with working(stage) as worker:
        for _ in range(MIGRATIONS):
            jobs = [migrating(statement)[0] for statement in INDEXES]
            assert [migrating(f"CALL sys.wait_for_job('{job}')") for job in jobs] == [[True]] * len(jobs)
            for column in "abcde":
                migrating(f"DROP INDEX m_{column}")
    assert worker.committed > 0


def test_a_build_is_seen_at_every_stage_and_holds_nobody_up(stage: Stage) -> None:
    admin, other = stage.set_up(TABLE, SEED), stage.open()
    for first in range(1_000, 25_000, 3_000):
        admin(f"INSERT INTO m SELECT g, g, g, g, g, g FROM generate_series({first}, {first + 2_999}) g")
    # A transaction of who asks for the build is waited for, so the build is caught at work.
    (job,) = admin("CREATE INDEX ASYNC i ON m (a)")
    admin("BEGIN")
    admin("SELECT count(*) FROM m")
    seen = []
    until = time.monotonic() + 10
    while "completed" not in seen and time.monotonic() < until:
        seen += [
            status for status in other(f"SELECT status FROM sys.jobs WHERE job_id = '{job}'") if status not in seen
        ]
        began = time.monotonic()
        other.retried("UPDATE m SET c = 0 WHERE id = 1")
        assert time.monotonic() - began < 1.0
        if "processing" in seen and admin.status != 0:
            assert admin("SELECT count(*) FROM m WHERE a < 0") == [0], "the build waits, not who asked for it"
            admin("COMMIT")
    assert seen[-2:] == ["processing", "completed"]


@pytest.mark.parametrize(
    "statement", ["ALTER TABLE m ADD COLUMN f int", "DROP TABLE m", "CREATE INDEX ASYNC j ON m (b)"]
)
def test_a_schema_change_does_not_wait_for_a_build_of_its_table(stage: Stage, statement: str) -> None:
    admin, reader = stage.set_up(TABLE, SEED), stage.open()
    reader.begin()("SELECT count(*) FROM m")
    (job,) = admin("CREATE INDEX ASYNC i ON m (a)")
    admin(statement)
    succeeded = admin(f"CALL sys.wait_for_job('{job}')")
    assert succeeded == [statement != "DROP TABLE m"]
