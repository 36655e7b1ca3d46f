"""What a test that asks for a cluster costs: the plugin, the first answer, an empty cluster, two hundred tests."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from pytest_dsql.cluster import Cluster
from pytest_dsql.link.process import end, launch

TESTS: Final = 200
EMPTIED: Final = 50
LIMIT_S: Final = 300
NOTHING: Final = "def test_it(): pass\n"
SELECTS: Final = "def test_it(dsql): dsql.connect().execute('SELECT 1')\n"
MANY: Final = """
import pytest

@pytest.mark.parametrize("number", range({tests}))
def test_it(dsql, number):
    connection = dsql.connect()
    connection.execute("{statement}")
"""


def measure(rounds: int) -> dict[str, float]:
    """Return what each costs, in ms, the 200 tests in s; a run of pytest is the quickest of as many."""

    def quickest(source: str, *options: str) -> float:
        return min(_run(source, *options) for _ in range(rounds))

    nothing = quickest(NOTHING)
    return {
        "ms that the plugin costs a run without it": 1000 * (nothing - quickest(NOTHING, "-p", "no:dsql")),
        "ms to the first answer": 1000 * (quickest(SELECTS) - nothing),
        "ms for an empty cluster": 1000 * _emptying(),
        f"s for {TESTS} tests": quickest(MANY.format(tests=TESTS, statement="SELECT 1")),
        f"s for {TESTS} tests with a table each": quickest(
            MANY.format(tests=TESTS, statement="CREATE TABLE t (id int)")
        ),
    }


def _run(source: str, *options: str) -> float:
    """Return how long pytest takes for a module, in s."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DSQL"))}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_it.py").write_text(source)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
        began = time.perf_counter()
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=LIMIT_S)
        return time.perf_counter() - began


def _emptying() -> float:
    """Return how long a used cluster takes to be empty, in s."""
    process, environment = launch("dsql")
    try:
        cluster, took = Cluster(environment), list[float]()
        for _ in range(EMPTIED):
            cluster.connect().execute("CREATE TABLE t (id int PRIMARY KEY)")
            began = time.perf_counter()
            cluster.handle.empty()
            took.append(time.perf_counter() - began)
        cluster.close()
        return statistics.median(took)
    finally:
        end(process)
