"""The bank that a storm plays on: the deployed function, the accounts, the readers; on either target."""

import contextlib
import os
import platform
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import boto3
import psycopg

from infra import database, load, schema
from infra.chapters import CHAPTERS, WITHOUT_RETRY
from infra.cloud import Cloud
from infra.faults.faults import Faults
from infra.stack import Stack
from infra.stand_in import LocalCloud
from pytest_dsql.retry import retried
from pytest_dsql.storm.record.model import Ledger, Reading, Receipt
from pytest_dsql.storm.record.record import Recorder
from pytest_dsql.storm.report.revision import revision
from pytest_dsql.storm.transfers import scenario
from pytest_dsql.storm.transfers.faults import FaultKind
from pytest_dsql.storm.transfers.scenario import Scenario

READER_PAUSE_S: Final = 0.05
READER_REST: Final = 9
"""A reader rests so many times as long as it has read, so that many accounts do not cost the storm its machine."""
WARM_UP_THREADS: Final = 64
WARM_UP_LIMIT_S: Final = 120.0
NOBODY: Final = '{"payer_id": 0, "payee_id": 1, "amount": 1}'
_RECEIPTS: Final = "SELECT id, payer, payee, amount, balance FROM transfers"
_TOTAL: Final = "SELECT count(*), sum(balance) FROM accounts"
_LEDGER: Final = (
    "SELECT count(*), coalesce(sum(amount), 0), coalesce(sum(payer_id), 0), coalesce(sum(payee_id), 0), "
    "coalesce(sum(payer_id::bigint * payee_id * amount), 0) FROM transactions"
)
_CHAPTERS: Final = {scenario.WITHOUT.name: WITHOUT_RETRY, scenario.MILLION.name: CHAPTERS[6]}


class Bank:
    """The stack, set up for one storm after the other.

    ``code`` is the function's zip, ``warm_up`` how many calls are made before the clock starts, ``commit_s`` how long
    a COMMIT shall take where that is ours to say.
    """

    opening: Final = schema.BALANCE

    def __init__(self, stack: Stack, code: Path, warm_up: int, commit_s: float = 0.0) -> None:
        self.stack, self._code, self._warm_up, self._commit_s = stack, code, warm_up, commit_s
        self._reserved: int | None = None
        self._records = False

    @property
    def target(self) -> str:
        """``local`` or ``aws``."""
        return self.stack.cloud.target

    def describe(self) -> str:
        """Return in one line where it is."""
        return self.stack.cloud.describe()

    def set_up(self, scenario: Scenario, accounts: int) -> str:
        """Deploy the chapter that the scenario is of, reset all data, warm up; return the function's name."""
        outputs = self.stack.deploy(_CHAPTERS.get(scenario.name, CHAPTERS[4]), self._code).outputs
        self._records = scenario.expectations.must_record
        self._reset(outputs.role_arn, accounts)
        self._warm(outputs.function_name)
        self._reserved = scenario.reserved
        self._reserve(self._reserved)
        return outputs.function_name

    def _reset(self, role_arn: str, accounts: int) -> None:
        """Let there be accounts 1 to ``accounts`` as they open, and no receipt and no history."""
        with closing(self._sign_in()) as admin:
            schema.create(admin, role_arn)
            schema.reset_transfers(admin)
            if self._records:
                schema.empty_history(admin, database.APP)
            schema.drop_accounts(admin, accounts)
            batches = load.lacking(admin, accounts, self.opening)
        sum(load.fill(self._sign_in, batches, self.opening, reset=True))

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

    def disturb(self, kind: FaultKind, chance: random.Random, over: threading.Event) -> int:
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
        with closing(self._sign_in()) as admin:
            return dict(retried(lambda: admin.execute("SELECT id, balance FROM accounts").fetchall()))

    def receipts(self) -> dict[str, Receipt]:
        """Return the receipts of all transfers with an id, by their ids."""
        with closing(self._sign_in()) as admin:
            rows = retried(lambda: admin.execute(_RECEIPTS).fetchall())
        return {str(id_): Receipt(*receipt) for id_, *receipt in rows}

    def history(self) -> Ledger | None:
        """Return what the rows of the history come to, None where the scenario writes none."""
        if not self._records:
            return None
        with closing(self._sign_in()) as admin:
            [sums] = retried(lambda: admin.execute(_LEDGER).fetchall())
            return Ledger(*map(int, sums))

    def read(self, recorder: Recorder, origin: float, over: threading.Event) -> None:
        """Add up all balances, each time in one snapshot, until ``over``; come back where the session was ended."""
        pause = READER_PAUSE_S
        while not over.wait(pause):
            with contextlib.suppress(psycopg.OperationalError), closing(self._sign_in()) as admin:
                while not over.wait(pause):
                    begun = time.monotonic() - origin
                    count, total = _total(admin)
                    ended = time.monotonic() - origin
                    recorder.reading(Reading(begun, ended, count, total))
                    pause = max(READER_PAUSE_S, READER_REST * (ended - begun))

    def cold_starts(self, since: float) -> int:
        """Return how many environments have begun a log since ``since`` (s since the epoch)."""
        client = self.stack.cloud.client("logs")
        pages = client.get_paginator("describe_log_streams").paginate(logGroupName=self.stack.log_group)
        return sum(stream["creationTime"] >= since * 1000 for page in pages for stream in page["logStreams"])

    def conflicts(self) -> dict[str, int] | None:
        """Return how often clients were told 40001, by OC000 and OC001; None on AWS, where nobody counts."""
        return self.stack.cloud.conflicts(database.endpoint(self.stack.outputs()))

    def settings(self) -> dict[str, str]:
        """Return what ran and how, for the report."""
        return {
            "warm-up": f"{self._warm_up} calls before the clock started",
            "code": revision(Path(__file__).parent),
            "python": f"{platform.python_version()} ({platform.python_compiler()})",
            "boto3": boto3.__version__,
            "psycopg": psycopg.__version__,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, {_memory()}",
            "system": platform.platform(),
            "pytest-dsql": version("pytest-dsql"),
        }

    def _sign_in(self) -> "psycopg.Connection[Any]":
        return database.connect(self.stack.cloud, database.endpoint(self.stack.outputs()))


def _total(admin: "psycopg.Connection[Any]") -> tuple[int, int]:
    ((count, total),) = retried(lambda: admin.execute(_TOTAL).fetchall())
    return count, int(total)


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB of memory"
