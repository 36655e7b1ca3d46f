"""A bank that does one transfer after the other, and writes the history down that a storm would have left."""

import random
from dataclasses import replace
from typing import Any

from pytest_dsql.storm.record.model import Call, Facts, History, Reading
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.record.verdict import Expectations, Verdict
from pytest_dsql.storm.transfers.answer import UNANSWERED
from pytest_dsql.storm.transfers.checker import check

REFUSED: dict[str, Any] = {"outcome": Outcome.REFUSED, "code": "40001", "marker": "OC000", "error": "lost (OC000)"}
TIMED_OUT: dict[str, Any] = {"outcome": Outcome.UNKNOWN, "code": "Sandbox.Timedout", "error": "Task timed out"}
UNSAID: dict[str, Any] = {"outcome": UNANSWERED.outcome, "code": UNANSWERED.code, "answered": None, "duration_ms": None}


class Bank:
    """Accounts 1 … n of 100 each; what its methods make is true, what they note can be told otherwise."""

    def __init__(self, accounts: int = 4, opening: int = 100) -> None:
        self.balances = dict.fromkeys(range(1, accounts + 1), opening)
        self.calls: list[Call] = []
        self.readings: list[Reading] = []
        self._facts = Facts(
            planned=0,
            accounts=accounts,
            opening=opening,
            closing=self.balances,
            workers=("gw0",),
            configuration={"target": "local", "seed": 1},
        )

    def move(self, payer: int, payee: int, amount: int = 10) -> int:
        """Move money and tell nobody."""
        self.balances[payer] -= amount
        self.balances[payee] += amount
        return self.balances[payer]

    def note(self, payer: int, payee: int, amount: int = 10, **told: Any) -> None:
        """Tell of a call and move nothing."""
        number = len(self.calls)
        at = number * 0.01
        times: dict[str, Any] = {"due": at, "sent": at, "answered": at + 0.02, "duration_ms": 15.0}
        call = Call(id=number, payer=payer, payee=payee, amount=amount, worker="gw0", **times)
        self.calls.append(replace(call, **told))

    def pay(self, payer: int, payee: int, amount: int = 10, **told: Any) -> None:
        """Move money and tell of it."""
        balance = self.move(payer, payee, amount)
        self.note(payer, payee, amount, **{"outcome": Outcome.COMMITTED, "balance": balance, **told})

    def lose(self, payer: int, payee: int, amount: int = 10, *, made: bool) -> None:
        """Move money or not, and time out."""
        if made:
            self.move(payer, payee, amount)
        self.note(payer, payee, amount, **TIMED_OUT)

    def read(self) -> None:
        """Add up all balances in one snapshot."""
        at = len(self.calls) * 0.01
        self.readings.append(Reading(at, at + 0.001, len(self.balances), sum(self.balances.values())))

    def history(self, **changes: Any) -> History:
        facts = replace(self._facts, planned=len(self.calls), closing=dict(self.balances))
        return replace(History(facts, tuple(self.calls), readings=tuple(self.readings), cpu_s={"gw0": 0.1}), **changes)

    def check(self, expectations: Expectations | None = None, **changes: Any) -> Verdict:
        return check(self.history(**changes), expectations)


def busy(calls: int = 200, accounts: int = 10, seed: int = 1, amount: int = 1) -> Bank:
    """A bank after so many random transfers, a few of them retried, with a reader now and then."""
    source, bank = random.Random(seed), Bank(accounts)
    for number in range(calls):
        payer, payee = source.sample(range(1, accounts + 1), 2)
        bank.pay(payer, payee, amount, retries=int(source.random() < 0.06))
        if number % 50 == 0:
            bank.read()
    return bank


def names(verdict: Verdict) -> set[str]:
    return {finding.name for finding in verdict.findings}


def only(verdict: Verdict) -> str:
    """The text of the verdict's only finding."""
    (finding,) = verdict.findings
    return finding.text
