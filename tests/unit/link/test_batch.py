"""Batch work: a process that says so, and those that it starts."""

import os
import subprocess
import sys

import pytest

from pytest_dsql.link.batch import DESCRIPTORS, as_batch

pytestmark = pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="the scheduler of this system has no such class")

POLICY_OF_A_CHILD = """
import subprocess, sys
from pytest_dsql.link.batch import as_batch
as_batch()
subprocess.run([sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"], check=True)
"""


def test_what_a_batch_process_starts_is_batch_work_too() -> None:
    child = subprocess.run(
        [sys.executable, "-c", POLICY_OF_A_CHILD], capture_output=True, text=True, check=True, timeout=30
    )
    assert int(child.stdout) == os.SCHED_BATCH


def test_where_it_is_forbidden_the_work_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", forbid)
    as_batch()


def test_a_process_that_wants_many_sockets_may_have_as_many_as_the_system_allows() -> None:
    program = (
        "import resource as r; from pytest_dsql.link.batch import with_descriptors; "
        "hard = r.getrlimit(r.RLIMIT_NOFILE)[1]; r.setrlimit(r.RLIMIT_NOFILE, (256, hard)); "
        "with_descriptors(); print(*r.getrlimit(r.RLIMIT_NOFILE))"
    )
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    soft, hard = map(int, child.stdout.split())
    assert soft == (DESCRIPTORS if hard < 0 else min(hard, DESCRIPTORS))
