"""The README's test of one's own application, as it stands there."""

import re
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[3] / "README.md"


@pytest.fixture
def example(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)
    (source,) = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    return str(source)


def run(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    pytester.makepyfile(test_pay=source)
    return pytester.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", timeout=50)


def test_it_passes(pytester: pytest.Pytester, example: str) -> None:
    run(pytester, example).assert_outcomes(passed=1)


def test_without_the_retry_it_fails(pytester: pytest.Pytester, example: str) -> None:
    done = run(pytester, example.replace("            continue", "            raise"))
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["COMMIT lost to another transaction*"])
