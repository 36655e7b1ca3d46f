"""Storms in which things break: with ids each call is paid once, without them somebody does not know."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.transfers.faults import FaultKind
from pytest_dsql.storm.transfers.plan import Load
from tests.stress.small import names, unknown

if TYPE_CHECKING:
    from tests.stress.arena import Arena

pytestmark = [pytest.mark.timeout(600), pytest.mark.in_turn("share0")]

LOAD: Final = Load(calls=2_000, parallel=64, accounts=200, seed=401, faults=len(FaultKind))
"""With a fault of each kind."""
ONE: Final = Load(calls=200, parallel=64, accounts=200, seed=400, rate=200, once=True, faults=1)
"""Its fault comes early, and stays as long as any."""
CREDIT: Final = "balance + $1 WHERE"


def test_with_ids_each_call_is_paid_once_whatever_breaks(arena: "Arena") -> None:
    result = arena.storm(load=replace(LOAD, once=True))
    assert result.verdict.findings == ()
    assert {fault.kind for fault in result.history.faults} == {*FaultKind}
    assert any(call.earlier and call.outcome is Outcome.COMMITTED for call in result.history.calls)
    assert (result.history.facts.conflicts or {}).keys() == {"OC000", "OC001"}


def test_without_ids_somebody_does_not_know_whether_he_has_paid(arena: "Arena") -> None:
    result = arena.storm(load=LOAD)
    assert result.verdict.findings == ()
    assert unknown(result) > 0
    assert not any(call.earlier for call in result.history.calls)


@pytest.mark.parametrize("kind", FaultKind)
def test_one_kind_alone(arena: "Arena", kind: FaultKind) -> None:
    result = arena.storm(load=replace(ONE, kinds=(kind,)))
    (fault,) = result.history.faults
    assert result.verdict.findings == ()
    assert (fault.kind, fault.met > 0) == (kind, True)
    assert {call.outcome for call in result.history.calls} == {Outcome.COMMITTED}


def test_receipts_show_what_has_moved_without_them(arena: "Arena") -> None:
    code = arena.sabotaged("transfer/transaction.py", CREDIT, "balance + 2 * $1 WHERE")
    assert "paid_twice" in names(arena.storm(load=replace(LOAD, calls=100, faults=0, once=True), code=code))
