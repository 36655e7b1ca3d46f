"""The storms of chapter 6, made where ``--million`` asks for them: a thousand accounts, then a million."""

from collections.abc import Callable

import pytest

from pytest_dsql.storm.transfers.scenario import CHAPTER_6, Scenario


@pytest.mark.parametrize("storm_of", CHAPTER_6, ids=lambda each: each.name)
def test_million(storm: Callable[[Scenario], list[str]], share: int, storm_of: Scenario) -> None:
    findings = storm(storm_of)
    assert share > 0 or findings == []
