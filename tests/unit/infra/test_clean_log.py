"""The rule that the log is clean, by runs that break it."""

import os
from collections.abc import Callable

import pytest

from tests import fix_log
from tests.fix_projects import Project
from tests.fix_target import ROOT

SAYS = "import pathlib\ndef test_it(pytestconfig):\n    pathlib.Path(pytestconfig.words).open('a').write('oh\\n')\n"
STAND_IN = """
import pathlib
from tests import fix_log
from tests.fix_run import is_worker, told
pytest_plugins = ("tests.fix_run", "tests.fix_log")

def pytest_sessionstart(session):
    config = session.config
    if is_worker(config):
        config.words = told(config, fix_log._KEY)
        return
    with fix_log.stderr_of_the_run(config) as words:
        config.words = words.name
    if {at_the_end}:
        config.add_cleanup(lambda: pathlib.Path(words.name).write_text("oh"))
"""
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(project: Project, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a test with a stand-in that says something, in it or at the end of all."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (ROOT, ROOT / "src"))))

    def run(source: str, *options: str, at_the_end: bool = False) -> pytest.RunResult:
        return project(source, *options, conftest=STAND_IN.format(at_the_end=at_the_end))

    return run


def test_a_warning_fails_its_test_and_no_other(run: Run) -> None:
    logged = "def test_{0}(): logging.getLogger('asyncio').{0}('never retrieved')\n"
    done = run("import logging\n" + logged.format("info") + logged.format("warning") + logged.format("debug"))
    done.assert_outcomes(passed=3, errors=1)
    assert "ERROR test_it.py::test_warning" in done.stdout.str()
    assert f"{fix_log.UNCLEAN}\n  WARNING asyncio: never retrieved" in done.stdout.str()


def test_a_word_of_the_stand_in_fails_the_test_that_had_it_said(run: Run) -> None:
    done = run(SAYS)
    done.assert_outcomes(passed=1, errors=1)
    assert f"{fix_log.UNCLEAN}\n  oh" in done.stdout.str()


def test_among_several_workers_it_fails_the_run(run: Run) -> None:
    done = run(SAYS, "-n", "2")
    done.assert_outcomes(passed=1)
    assert (done.ret, f"{fix_log.UNCLEAN}\n  oh" in done.stderr.str()) == (1, True)


def test_a_word_at_the_stand_ins_end_fails_the_run(run: Run) -> None:
    done = run("def test_it(): pass\n", at_the_end=True)
    done.assert_outcomes(passed=1)
    assert (done.ret, f"{fix_log.UNCLEAN}\n  oh" in done.stderr.str()) == (1, True)


def test_what_is_allowed_is_no_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fix_log, "ALLOWED", (r"let it be \d",))
    assert fix_log.complaints("let it be 1\n\nlet it be\n") == ["let it be"]
