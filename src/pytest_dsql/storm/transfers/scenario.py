"""The storms that are run, as data: what is called, what must come of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from pytest_dsql.storm.record.verdict import Expectations
from pytest_dsql.storm.transfers import answer
from pytest_dsql.storm.transfers.plan import Load, Shape

CONFLICT: Final = frozenset({answer.CONFLICT})
POOR: Final = frozenset({answer.INSUFFICIENT_BALANCE})
COMMITS: Final = Expectations(refusals=frozenset(), must_all_commit=True)
ATTEMPTS: Final = 50
"""How often the function runs a transaction at most, the first time included: ``transfer.retry.RetryPolicy``."""
STARVED_RETRIES: Final = 40
"""So near to the last attempt that the next storm may well run out of them."""
STARVED_S: Final = 30.0
FEW: Final = 0.01
"""The share of calls that may conflict where accounts are many; in chapter 4 4 to 10 % do."""
FAR_FEWER: Final = 4
"""So many times rarer are conflicts to be among many accounts than among few in the same run; in the talk, ten."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One storm. ``part`` is its share of ``--calls``; ``reserved`` the function's concurrency, None for no limit.

    ``attempts`` is how often the function runs a transaction at most. ``most`` are bounds of the run's load, by name.
    Conflicts have to be far rarer than in the storm ``rarer_than``, where the run has played that one before.
    """

    name: str
    title: str
    expectations: Expectations
    shape: Shape = Shape.UNIFORM
    part: float = 1.0
    reserved: int | None = None
    attempts: int = ATTEMPTS
    most: Mapping[str, int] = field(default_factory=dict)
    rarer_than: str | None = None

    def expected(self, load: Load, conflicts: Mapping[str, float] = MappingProxyType({})) -> Expectations:
        """Return what must come of a load; ``conflicts`` has what share of the calls met one, by storms before.

        Where it has a rate, calls may be so far apart that none meet. Where it has faults, a call may not get through;
        but what is answered is true.
        """
        expected = replace(self.expectations, must_conflict=self.expectations.must_conflict and load.rate is None)
        if (before := conflicts.get(self.rarer_than or "")) is not None:
            expected = replace(expected, max_conflicts=min(expected.max_conflicts or 1.0, before / FAR_FEWER))
        if not load.faults:
            return expected
        return replace(expected, must_all_commit=False, refusals=expected.refusals | answer.NOT_REACHED)

    def load(self, load: Load) -> Load:
        """Return the run's load as this storm has it."""
        calls, faults = max(1, round(load.calls * self.part)), math.ceil(load.faults * self.part)
        sized = replace(load, shape=self.shape, calls=calls, faults=faults)
        return replace(sized, **{name: min(bound, getattr(sized, name)) for name, bound in self.most.items()})


WITHOUT: Final = Scenario(
    "without_retry",
    "without retry: some calls are refused, each with 40001",
    Expectations(refusals=CONFLICT, must_conflict=True),
    attempts=1,
)
WITH: Final = Scenario(
    "with_retry",
    "with retry: every call is committed",
    replace(COMMITS, must_conflict=True, starved_retries=STARVED_RETRIES),
)
HOT: Final = Scenario(
    "hot_accounts",
    "80 % of the calls on 1 % of the accounts: all committed, nobody starves",
    replace(COMMITS, must_conflict=True, starved_retries=STARVED_RETRIES, starved_s=STARVED_S),
    Shape.HOT,
    part=0.1,
)
BOTH_WAYS: Final = Scenario(
    "both_directions",
    "both directions on few pairs: all committed",
    replace(COMMITS, must_conflict=True, starved_retries=STARVED_RETRIES, starved_s=STARVED_S),
    Shape.PAIRS,
    part=0.1,
)
POOR_PAYERS: Final = Scenario(
    "insufficient_funds",
    "amounts that some cannot pay: refused, and never below zero",
    Expectations(refusals=POOR, starved_retries=STARVED_RETRIES),
    Shape.POOR,
    part=0.1,
)
THROTTLING: Final = Scenario(
    "throttling",
    "fewer executions than calls: 429 is offered again, nothing is made twice",
    replace(COMMITS, refusals=frozenset({answer.THROTTLED})),
    part=0.05,
    reserved=4,
)

FEW_ACCOUNTS: Final = replace(
    WITH,
    name="few_accounts",
    title="chapter 4's, among a thousand accounts: every call is committed, some conflict",
    part=0.25,
    most={"calls": 10_000, "parallel": 1_000, "accounts": 1_000},
)
MILLION: Final = Scenario(
    "million",
    "with a history, among a million accounts: every call is committed, far fewer conflict",
    replace(COMMITS, must_record=True, max_conflicts=FEW, starved_retries=STARVED_RETRIES),
    rarer_than=FEW_ACCOUNTS.name,
)
CHAPTER_6: Final = (FEW_ACCOUNTS, MILLION)
"""What takes so long that it is made when it is asked for."""

ALL: Final = (WITHOUT, WITH, HOT, BOTH_WAYS, POOR_PAYERS, THROTTLING)
