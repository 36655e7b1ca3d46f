"""What is looked at in the database while calls run and when they are over: the sums in every snapshot, the rules."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pytest_dsql.cluster import Cluster
from pytest_dsql.retry import retried
from pytest_dsql.storm.own.history import Broken, plain
from pytest_dsql.storm.record.journal import Journal
from pytest_dsql.storm.workload import Workload

NAME: Final = "reader"
PAUSE_S: Final = 0.05
END_LIMIT_S: Final = 30.0
SHOWN: Final = 5
"""How many of the rows that break a rule are told of."""


class Reader:
    """Reads what must hold, by a connection of its own, and makes no COMMIT: faults there are the calls' alone.

    ``trouble`` says why it has ended early, where it has.
    """

    def __init__(self, cluster: Cluster, workload: Workload) -> None:
        self._connection, self._workload = cluster.connect(), workload
        self.trouble: str | None = None

    def rules(self) -> dict[str, Broken]:
        """Return the rows that break each rule."""
        return {name: retried(lambda asked=asked: self._broken(asked)) for name, asked in self._workload.rules.items()}  # type: ignore[misc]

    def _broken(self, asked: str) -> Broken:
        cursor = self._connection.execute(asked.encode())
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, map(plain, row), strict=True)) for row in cursor.fetchmany(SHOWN)]
        return Broken(cursor.rowcount, rows)

    def snapshot(self) -> dict[str, Any]:
        """Return the sums, all in one snapshot."""
        return retried(self._snapshot)

    def _snapshot(self) -> dict[str, Any]:
        with self._connection.transaction(force_rollback=True):
            return {name: self._one(asked) for name, (asked, _) in self._workload.sums.items()}

    def _one(self, asked: str) -> Any:
        row = self._connection.execute(asked.encode()).fetchone()
        return plain(row[0]) if row else None

    def wrong(self) -> str | None:
        """Return what does not hold now, None where all does."""
        expected, found = expected_sums(self._workload), self.snapshot()
        broken = [f"rule {name} is broken by {rows.rows[0]}" for name, rows in self.rules().items() if rows.count]
        off = [f"sum {name} is {found[name]}, not {value}" for name, value in expected.items() if found[name] != value]
        return next(iter([*off, *broken]), None)

    @contextmanager
    def reading(self, folder: Path, origin: float) -> Iterator[None]:
        """Read the sums all the time, while the block lasts, and once more when it is over."""
        over = threading.Event()
        with Journal(folder, NAME) as journal:
            thread = threading.Thread(target=self._read, args=(journal, origin, over), name="storm-reader", daemon=True)
            thread.start()
            try:
                yield
            finally:
                over.set()
                thread.join(END_LIMIT_S)

    def _read(self, journal: Journal, origin: float, over: threading.Event) -> None:
        last = not self._workload.sums
        try:
            while not last:
                last = over.wait(PAUSE_S)
                at = time.monotonic() - origin
                journal.write({"snapshot": self.snapshot(), "at": round(at, 6)})
        except Exception as error:  # noqa: BLE001 - what it is stands in the report
            self.trouble = f"the sums could not be read any more: {type(error).__name__}: {error}"


def expected_sums(workload: Workload) -> Mapping[str, Any]:
    """Return what each sum has to be, as a snapshot would have it."""
    return {name: plain(value) for name, (_, value) in workload.sums.items()}
