import random
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from pytest_dsql.storm.record import record
from pytest_dsql.storm.record.model import Earlier, Facts, Receipt
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.record.verdict import Verdict
from tests.unit.storm.bank import REFUSED, TIMED_OUT, Bank, names, only


class OnceBank(Bank):
    """One whose transfers have ids, and leave receipts."""

    def __init__(self) -> None:
        super().__init__()
        self.receipts: dict[str, Receipt] = {}

    def note(self, payer: int, payee: int, amount: int = 10, **told: Any) -> None:
        number = len(self.calls)
        super().note(payer, payee, amount, **{"transfer_id": id_of(number), **told})

    def leave(self, payer: int, payee: int, amount: int = 10, number: int | None = None) -> None:
        """Leave the receipt of the next call, or of another."""
        balance = self.balances[payer]
        self.receipts[id_of(len(self.calls) if number is None else number)] = Receipt(payer, payee, amount, balance)

    def make(self, payer: int, payee: int, **told: Any) -> None:
        """Move money, leave a receipt, and tell of it."""
        balance = self.move(payer, payee)
        self.leave(payer, payee)
        self.note(payer, payee, **{"outcome": Outcome.COMMITTED, "balance": balance, **told})

    def judged(self) -> Verdict:
        history = self.history()
        return self.check(facts=replace(history.facts, receipts=self.receipts))


def id_of(number: int) -> str:
    return str(UUID(int=random.Random(number).getrandbits(128), version=4))


@pytest.fixture
def bank() -> OnceBank:
    """A bank after two good transfers."""
    bank = OnceBank()
    bank.make(1, 2)
    bank.make(2, 3)
    return bank


def test_receipts_that_are_as_answered(bank: OnceBank) -> None:
    assert bank.judged() == Verdict(resolved_by="receipts")


def test_a_receipt_decides_what_nobody_knew(bank: OnceBank) -> None:
    bank.make(1, 2, **TIMED_OUT, balance=None)
    bank.lose(1, 2, made=False)
    verdict = bank.judged()
    assert (verdict.findings, verdict.resolved, verdict.ambiguous) == ((), {2: True, 3: False}, ())


def test_a_commit_without_a_receipt_is_lost(bank: OnceBank) -> None:
    bank.note(1, 2, outcome=Outcome.COMMITTED, balance=80)
    assert {"lost", "reconciliation"} == names(bank.judged())


def test_money_that_moved_twice_for_one_receipt(bank: OnceBank) -> None:
    bank.move(1, 2)
    bank.make(1, 2)
    texts = {finding.name: finding.text for finding in bank.judged().findings}
    assert texts["paid_twice"].startswith(
        "2 accounts moved otherwise than their receipts say; first and worst: account 1"
    )


def test_a_receipt_that_nobody_asked_for(bank: OnceBank) -> None:
    bank.leave(1, 2, number=99)
    assert "nobody asked for it" in str([f.text for f in bank.judged().findings if f.name == "unexplained"])


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({"amount": 11}, "was made as 1 to 2, 10"),
        ({"balance": 70}, "was made with balance 80, and answered 70"),
        (REFUSED | {"balance": None}, "was made, and refused with 40001"),
    ],
    ids=["amount", "balance", "refused"],
)
def test_a_receipt_that_contradicts_the_call(bank: OnceBank, told: dict[str, Any], wrong: str) -> None:
    bank.make(1, 2, **told)
    assert wrong in str([finding.text for finding in bank.judged().findings if finding.name == "unexplained"])


def test_a_call_without_an_id_is_not_sent_again() -> None:
    bank = Bank()
    bank.pay(1, 2, earlier=(Earlier(0.5, Outcome.UNKNOWN, "ReadTimeoutError"),))
    assert only(bank.check()).startswith(
        "1 calls were made or answered more than once; first and worst: call 0, sent 2 times"
    )


def test_receipts_are_kept_with_the_facts(bank: OnceBank, tmp_path: Any) -> None:
    facts = Facts(planned=1, accounts=2, opening=100, closing={}, receipts=bank.receipts)
    record.save(tmp_path, facts)
    assert record.load(tmp_path) == facts
