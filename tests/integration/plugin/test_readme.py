"""The README's test of one's own application, as it stands there."""

import re
from pathlib import Path

import pytest

from tests.fix_projects import Project

README = Path(__file__).parents[3] / "README.md"


@pytest.fixture
def example() -> str:
    source, _workload = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    return str(source)


def test_it_passes(project: Project, example: str) -> None:
    project(example).assert_outcomes(passed=1)


def test_without_the_retry_it_fails(project: Project, example: str) -> None:
    done = project(example.replace("            continue", "            raise"))
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["COMMIT lost to another transaction*"])
