"""Projects of a few lines, each run by a pytest of its own, as the plugin's users run theirs."""

import sys
from collections.abc import Callable

import pytest

LIMIT_S = 50
OURS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_XDIST_WORKER")

Project = Callable[..., pytest.RunResult]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Run a test module, given as source, in an empty folder; nothing of this run's own settings reaches it."""
    for name in OURS:
        monkeypatch.delenv(name, raising=False)

    def run(source: str, *arguments: str, **files: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=source, **files)
        return pytester.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments, timeout=LIMIT_S)

    return run
