"""The search for storms that fail, on the stand-in: a sabotaged function is found, and the storm made small."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_dsql.link.state import runs
from pytest_dsql.storm.transfers.plan import Shape
from tests.fix_target import ROOT
from tests.processes import descendants

if TYPE_CHECKING:
    from tests.stress.arena import Arena

pytestmark = [pytest.mark.timeout(600), pytest.mark.in_turn("share0")]

LIMIT_S: Final = 60
CREDIT: Final = "balance + $1 WHERE"
QUICK: Final = {"calls": 60, "parallel": 8, "accounts": 20, "faults": 2, "commit_ms": 0, "shape": Shape.UNIFORM}


def test_a_sabotaged_function_is_found_and_the_storm_made_small(arena: "Arena", tmp_path: Path) -> None:
    from infra.search.player import Player
    from infra.search.search import Search
    from infra.search.shape import SmallStorm

    (tmp_path / "log").touch()
    code = arena.sabotaged("transfer/transaction.py", CREDIT, "balance + 2 * $1 WHERE")
    search = Search(Player(arena, tmp_path / "log", code).play, lambda _: None, most=12)
    search.run([SmallStorm.drawn(1, **QUICK, once=True)])
    ((names, failure),) = search.smallest.items()
    assert "conservation" in names
    assert (failure.storm.faults, failure.storm.calls) == (0, 1)
    assert "conservation" in (failure.record / "report.txt").read_text()


def test_an_interrupt_leaves_a_summary_and_nothing_that_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra", "search", "--calls=300", "--faults=0", f"--folder={tmp_path}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "src")))}
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as search:
        assert search.stdout
        assert "passed in" in search.stdout.readline()
        started = descendants(search.pid)
        search.send_signal(signal.SIGINT)
        said = search.communicate(timeout=LIMIT_S)[0].splitlines()
    assert said[-2:] == ["interrupted", "1 storms, none failed"]
    assert started
    assert not any(map(runs, started))
