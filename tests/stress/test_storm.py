"""The storms. With ``-n`` every worker makes its share of each; the first one tells what was found."""

from collections.abc import Callable

import pytest

from pytest_dsql.storm.transfers import scenario
from pytest_dsql.storm.transfers.scenario import Scenario

Storm = Callable[[Scenario], list[str]]


@pytest.mark.parametrize("storm_of", scenario.ALL, ids=lambda each: each.name)
def test_storm(storm: Storm, share: int, storm_of: Scenario) -> None:
    findings = storm(storm_of)
    assert share > 0 or findings == []
