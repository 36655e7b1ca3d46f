"""A small storm: its load, and what was found in it."""

from typing import TYPE_CHECKING, Final

from pytest_dsql.storm.transfers.plan import Load

if TYPE_CHECKING:
    from pytest_dsql.storm.run.conductor import Result

LOAD: Final = Load(calls=300, parallel=16, accounts=100, seed=401)


def names(result: "Result") -> set[str]:
    return {finding.name for finding in result.verdict.findings}


def unknown(result: "Result") -> int:
    """How many outcomes are listed as not told, decided by the balances or not."""
    return len(result.verdict.resolved) + len(result.verdict.ambiguous)
