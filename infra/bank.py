"""The bank that a storm plays on: the deployed function, the accounts, the readers; on either target."""

import contextlib
import platform
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, Final

import boto3
import psycopg

from infra import database, schema
from infra.chapters import CHAPTERS, WITHOUT_RETRY
from infra.cloud import Cloud
from infra.faults import Faults
from infra.stack import Stack
from infra.stand_in import LocalCloud
from pytest_dsql.retry import retried
from pytest_dsql.storm.record.model import Reading, Receipt
from pytest_dsql.storm.record.record import Recorder
from pytest_dsql.storm.transfers import scenario
from pytest_dsql.storm.transfers.faults import Kind
from pytest_dsql.storm.transfers.scenario import Scenario

READER_PAUSE_S: Final = 0.05
WARM_UP_THREADS: Final = 64
WARM_UP_LIMIT_S: Final = 120.0
NOBODY: Final = '{"payer_id": 0, "payee_id": 1, "amount": 1}'
_RECEIPTS: Final = "SELECT id, payer, payee, amount, balance FROM transfers"
_TOTAL: Final = "SELECT count(*), sum(balance) FROM accounts"
_FIRST_HALVES: Final = {scenario.WITHOUT.name: WITHOUT_RETRY}


class Bank:
    """The stack, set up for one storm after the other.

    ``code`` is the function's zip, ``warm_up`` how many calls are made before the clock starts, ``commit_s`` how long
    a COMMIT shall take where that is ours to say.
    """

    opening: Final = schema.BALANCE

    def __init__(self, stack: Stack, code: Path, warm_up: int, commit_s: float = 0.0) -> None:
        self.stack, self._code, self._warm_up, self._commit_s = stack, code, warm_up, commit_s
        self._reserved: int | None = None

    @property
    def target(self) -> str:
        """``local`` or ``aws``."""
        return self.stack.cloud.target

    def describe(self) -> str:
        """Return in one line where it is."""
        return self.stack.cloud.describe()

    def set_up(self, scenario: Scenario, accounts: int) -> str:
        """Deploy chapter 4 as the scenario has it, reset the accounts, warm up; return the function's name."""
        outputs = self.stack.deploy(_FIRST_HALVES.get(scenario.name, CHAPTERS[4]), self._code).outputs
        with self._admin() as admin:
            schema.set_up(admin, outputs.role_arn, accounts)
        self._warm(outputs.function_name)
        self._reserved = scenario.reserved
        self._reserve(self._reserved)
        return outputs.function_name

    def _warm(self, function: str) -> None:
        """Make calls that change nothing, at once: environments start, sessions hear of the schema."""
        client = self.stack.cloud.client("lambda")
        with ThreadPoolExecutor(WARM_UP_THREADS) as threads:
            calls = [threads.submit(client.invoke, FunctionName=function, Payload=NOBODY) for _ in range(self._warm_up)]
            for call in calls:
                call.result(WARM_UP_LIMIT_S)

    def paced(self) -> AbstractContextManager[str]:
        """Have COMMITs take what the run wants them to, for as long as the block lasts; give it in words."""
        return self.stack.cloud.paced(database.endpoint(self.stack.outputs()), self._commit_s)

    def disturb(self, kind: Kind, chance: random.Random, over: threading.Event) -> int:
        """Have something break on the stand-in; return how often it was met."""
        return self._faults(self.stack.cloud).have(kind, chance, over)

    def left_open(self) -> int:
        """Return how many transactions are open; 0 on AWS, where nobody can tell."""
        cloud = self.stack.cloud
        return self._faults(cloud).left_open() if isinstance(cloud, LocalCloud) else 0

    def _faults(self, cloud: Cloud) -> Faults:
        if not isinstance(cloud, LocalCloud):
            raise TypeError("nothing can be broken on AWS")
        return Faults(cloud, self.stack, self._reserve, self._reserved)

    def tear_down(self) -> None:
        """Take back what a scenario changed of the function."""
        self._reserve(None)

    def _reserve(self, concurrency: int | None) -> None:
        client, name = self.stack.cloud.client("lambda"), self.stack.function
        if concurrency is None:
            client.delete_function_concurrency(FunctionName=name)
        else:
            client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=concurrency)

    def closing_balances(self) -> dict[int, int]:
        """Return every account's balance."""
        with self._admin() as admin:
            return dict(retried(lambda: admin.execute("SELECT id, balance FROM accounts").fetchall()))

    def receipts(self) -> dict[str, Receipt]:
        """Return the receipts of all transfers with an id, by their ids."""
        with self._admin() as admin:
            rows = retried(lambda: admin.execute(_RECEIPTS).fetchall())
        return {str(id_): Receipt(*receipt) for id_, *receipt in rows}

    def read(self, recorder: Recorder, origin: float, over: threading.Event) -> None:
        """Add up all balances, each time in one snapshot, until ``over``; come back where the session was ended."""
        while not over.wait(READER_PAUSE_S):
            with contextlib.suppress(psycopg.OperationalError), self._admin() as admin:
                while not over.wait(READER_PAUSE_S):
                    begun = time.monotonic() - origin
                    count, total = _total(admin)
                    recorder.reading(Reading(begun, time.monotonic() - origin, count, total))

    def cold_starts(self, since: float) -> int:
        """Return how many environments have begun a log since ``since`` (s since the epoch)."""
        client = self.stack.cloud.client("logs")
        pages = client.get_paginator("describe_log_streams").paginate(logGroupName=self.stack.log_group)
        return sum(stream["creationTime"] >= since * 1000 for page in pages for stream in page["logStreams"])

    def versions(self) -> dict[str, str]:
        """Return what ran, for the report."""
        return {
            "python": f"{platform.python_version()} ({platform.python_compiler()})",
            "boto3": boto3.__version__,
            "psycopg": psycopg.__version__,
            "machine": platform.machine(),
        }

    def _admin(self) -> "closing[psycopg.Connection[Any]]":
        return closing(database.connect(self.stack.cloud, database.endpoint(self.stack.outputs())))


def _total(admin: "psycopg.Connection[Any]") -> tuple[int, int]:
    ((count, total),) = retried(lambda: admin.execute(_TOTAL).fetchall())
    return count, int(total)
