"""The storm of chapter 6, which is made where ``--million`` asks for it, and then alone."""

from collections.abc import Callable

from pytest_dsql.storm.transfers.scenario import MILLION, Scenario


def test_million(storm: Callable[[Scenario], list[str]], share: int) -> None:
    findings = storm(MILLION)
    assert share > 0 or findings == []
