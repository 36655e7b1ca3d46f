"""Storms, and which part of one takes how much CPU time: driver, stand-in, functions, PostgreSQL."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import conninfo

from bench.calls import STORM_LIMIT_S, Site, a_call
from bench.clients import BenchLoad, Lane
from bench.clients import run as run_clients
from infra.bank import Bank
from infra.bundle import build
from infra.stand_in import LocalCloud
from pytest_dsql.storm.record.model import History
from pytest_dsql.storm.run.conductor import Conductor
from pytest_dsql.storm.run.play import play
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.transfers.scenario import WITH

WARM_UP: Final = 100
COMMIT_S: Final = 0.015
"""What a COMMIT takes in a storm."""
PARALLEL: Final = 1_000
ACCOUNTS: Final = 1_000
NODE: Final = Path(__file__).parent / "node"
INSTALL_LIMIT_S: Final = 120


class Watched(Bank):
    """A stage that notes the CPU seconds of each part between the first call and the last answer."""

    def __init__(self, place: Site) -> None:
        super().__init__(place.stack, build(place.stack.cloud.platform), WARM_UP, COMMIT_S)
        self._place = place
        self.spent: dict[str, float] = {}

    @contextmanager
    def paced(self) -> Iterator[str]:
        """Pace the commits, and watch."""
        with super().paced() as words:
            before = self._place.cpu()
            yield words
            self.spent = self._place.since(before)


class Quiet:
    """Nobody watches."""

    def begin(self, title: str) -> None:
        """Say nothing."""

    def show(self, line: str) -> None:
        """Say nothing."""


def storm(place: Site, workers: int, calls: int) -> dict[str, float]:
    """Run the storm with retry; return calls/s, how callers wait while it is steady, and CPU ms a call by part."""
    stage, load = Watched(place), Load(calls, PARALLEL, ACCOUNTS, seed=1)
    with closing(Conductor(lambda: stage, {WITH.name: WITH}, load, None, Quiet())) as conductor:
        result = play(place.stack.cloud, conductor, WITH.name, load, workers=workers)
        if result.verdict.findings:
            raise AssertionError(result.verdict.findings)
        measured = result.statistics
        driver = sum(cpu for worker, cpu in result.history.cpu_s.items() if worker != "reader")
        fairness = _fairness(result.history, calls)
    return {
        "per_second": measured.achieved_rate,
        "p99/p50": fairness,
        "driver": 1000 * driver / calls,
        **a_call(stage.spent, calls),
    }


def _fairness(history: History, calls: int) -> float:
    """Return the p99 of the callers' waits by their p50, without those who came while it began or ended."""
    steady = range(PARALLEL, calls - PARALLEL)
    waits = sorted(
        call.answered - call.due for call in history.calls if call.id in steady and call.answered is not None
    )
    return waits[len(waits) * 99 // 100] / waits[len(waits) // 2] if waits else 0.0


def by_node(place: Site, calls: int) -> dict[str, float] | None:
    """Make as many calls by AWS's SDK in node; None where node or its packages are not to be had."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "driver.js"):
            shutil.copy(NODE / name, folder)
        install = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        if subprocess.run(install, cwd=folder, timeout=INSTALL_LIMIT_S, check=False).returncode:
            return None
        stage = Watched(place)
        function = stage.set_up(WITH, ACCOUNTS)
        command = [node, "driver.js", function, *map(str, (calls, PARALLEL, ACCOUNTS))]
        environment = {**os.environ, **place.stack.cloud.environment}
        with stage.paced():
            done = subprocess.run(
                command, cwd=folder, env=environment, check=True, capture_output=True, timeout=STORM_LIMIT_S
            )
    said: dict[str, float] = json.loads(done.stdout)
    return {"per_second": calls / said["seconds"], "driver": 1000 * said["cpu"] / calls, **a_call(stage.spent, calls)}


def bare(place: Site, seconds: float) -> dict[str, float]:
    """Run the same transaction straight on plain PostgreSQL, the limit of it all; CPU ms of client and server."""
    outputs = place.stack.outputs()
    url = LocalCloud(place.stack.cloud.environment).handle(str(outputs.cluster_endpoint)).describe()["postgres"]
    settings: dict[str, Any] = {**conninfo.conninfo_to_dict(url), "dbname": "bare"}
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS bare")
        admin.execute("CREATE DATABASE bare")
    with psycopg.connect(**settings, autocommit=True) as connection:
        connection.execute("ALTER DATABASE bare SET default_transaction_isolation = 'repeatable read'")
        connection.execute("CREATE TABLE accounts (id integer PRIMARY KEY, balance integer)")
        connection.execute("INSERT INTO accounts SELECT id, 100 FROM generate_series(1, 1000) id")
    before = place.cpu()
    counts = run_clients(Lane("bare", settings, "accounts"), BenchLoad(4, seconds))
    committed = sum(count.committed for count in counts) or 1
    server = place.since(before)["PostgreSQL"]
    return {
        "per_second": committed / seconds,
        "driver": 1000 * sum(count.cpu for count in counts) / committed,
        "PostgreSQL": 1000 * server / committed,
    }
