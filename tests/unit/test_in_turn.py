"""Which tests pytest-xdist gives to one worker."""

import pytest

from tests.fix_projects import Project
from tests.fix_target import ROOT

SOURCE = """
import os
import pytest

@pytest.mark.in_turn("it")
@pytest.mark.parametrize("number", range(12))
def test_marked(number, pytestconfig):
    (pytestconfig.rootpath / f"{os.getpid()}.pid").touch()

@pytest.mark.parametrize("number", range(12))
def test_free(number):
    pass
"""


def test_what_is_marked_runs_on_one_worker(
    project: Project, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = project(SOURCE, "-n", "3", "-p", "tests.fix_run", "-p", "tests.fix_workers")
    done.assert_outcomes(passed=24)
    assert len(list(pytester.path.glob("*.pid"))) == 1
