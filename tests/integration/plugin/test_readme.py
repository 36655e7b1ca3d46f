"""The README's tests of one's own application, as they stand there."""

import re
from pathlib import Path

import pytest

from tests.fix_projects import Project

README = (Path(__file__).parents[3] / "README.md").read_text()


def example(name: str) -> str:
    (source,) = re.findall(rf"^```python\n(# {name}\n.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return str(source)


@pytest.fixture
def pay() -> str:
    return example("test_pay.py")


@pytest.fixture
def withdraw() -> str:
    return example("test_withdraw.py")


def test_a_payment_that_retries_passes(project: Project, pay: str) -> None:
    project(pay).assert_outcomes(passed=1)


def test_without_the_retry_it_fails(project: Project, pay: str) -> None:
    done = project(pay.replace("            continue", "            raise"))
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["COMMIT lost to another transaction*"])


def test_two_withdrawals_skew_and_the_table_is_the_readmes(project: Project, withdraw: str) -> None:
    (table,) = re.findall(r"^```text\n(\d+ of \d+ orders fail.*?)^```$", README, re.DOTALL | re.MULTILINE)
    done = project(withdraw)
    done.assert_outcomes(failed=1)
    assert table in done.stdout.str()


def test_with_for_update_they_do_not(project: Project, withdraw: str) -> None:
    locking = withdraw.replace("SELECT balance FROM accounts", "SELECT balance FROM accounts FOR UPDATE")
    project(locking).assert_outcomes(passed=1)
