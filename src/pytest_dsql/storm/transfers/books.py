"""The accounts of a storm as a bookkeeper sees them: what the answers explain, and what they leave open."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pytest_dsql.storm.record.model import Call, History
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.transfers import serial

_NO_DEBITS: Final[list[Call]] = []
_NOTHING_OPEN: Final[dict[int, int]] = {}
"""Shared by all accounts that have none, of which there may be a million; never written to."""


@dataclass(slots=True)
class Account:
    """One account: committed transfers are booked, those of unknown outcome stand in ``open`` until decided."""

    number: int
    opening: int
    closing: int
    residual: int
    """Closing balance less what is booked: what the open transfers have to explain."""
    debits: list[Call] = field(default_factory=lambda: _NO_DEBITS)
    """Committed, each with the balance that was answered."""
    credits: int = 0
    free_debits: int = 0
    """Debits without an answered balance: of unknown outcome, and decided to be made."""
    free_debited: int = 0
    step: int = 0
    """The greatest common divisor of all amounts, open ones too."""
    open: dict[int, int] = field(default_factory=lambda: _NOTHING_OPEN)
    """Number of the call in the history to what it would change here."""
    low: int = 0
    high: int = 0
    """The least and the most that the open transfers can explain together."""
    largest: int = 0
    """No open transfer changes more than this."""
    broken: bool = False
    """Nothing explains its closing balance."""

    def debit(self, call: Call) -> None:
        """Book a committed transfer from here, with the balance that was answered."""
        if self.debits is _NO_DEBITS:
            self.debits = [call]
        else:
            self.debits.append(call)
        self.residual += call.amount
        self.step = math.gcd(self.step, call.amount)

    def book(self, change: int) -> None:
        """Book a transfer without an answered balance."""
        self.residual -= change
        if change > 0:
            self.credits += 1
        else:
            self.free_debits += 1
            self.free_debited -= change

    def hold(self, call: int, change: int) -> None:
        """Leave a transfer open."""
        if self.open is _NOTHING_OPEN:
            self.open = {}
        self.open[call] = change
        self.step = math.gcd(self.step, change)
        self.largest = max(self.largest, abs(change))
        self.low += min(change, 0)
        self.high += max(change, 0)

    def decide(self, call: int, *, made: bool) -> None:
        """Close an open transfer."""
        change = self.open.pop(call)
        self.low -= min(change, 0)
        self.high -= max(change, 0)
        if made:
            self.book(change)

    @property
    def explicable(self) -> bool:
        """Whether the residual is within what the open transfers can explain."""
        return self.low <= self.residual <= self.high

    @property
    def open_step(self) -> int:
        """The greatest common divisor of the open transfers' amounts."""
        return math.gcd(*self.open.values())

    def supply(self, choice: Mapping[int, bool] | None = None) -> serial.Supply:
        """The free steps, with what is open as ``choice`` says, by default all taken as possible."""
        made = [change for call, change in self.open.items() if choice is None or choice[call]]
        debits = [change for change in made if change < 0]
        return serial.Supply(
            self.credits + len(made) - len(debits),
            self.free_debits + len(debits),
            self.free_debited - sum(debits),
            self.step,
        )

    def disorder(self, choice: Mapping[int, bool] | None = None, demand: serial.Demand | None = None) -> str | None:
        """Return why no serial order gives what was answered, None where nothing speaks against one.

        ``demand``, where it is known already, saves the work of finding it.
        """
        if not self.debits:
            return None
        why = serial.contradiction(demand or self.demand(), self.supply(choice))
        if why is None:
            return None
        low, high = min(self.debits, key=_answered), max(self.debits, key=_answered)
        return (
            f"account {self.number}, {self.opening} at first, {self.closing} at last, {len(self.debits):,} debits "
            f"that answered {low.balance} (call {low.id}) to {high.balance} (call {high.id}): {why}"
        )

    def demand(self) -> serial.Demand:
        """What its answered debits ask for."""
        return serial.demand(self.opening, self.closing, self.debits)


def _answered(call: Call) -> int:
    return call.balance or 0


def open_books(history: History) -> dict[int, Account]:
    """Return all accounts by number: those of the plan, and any other that a call names or the end shows."""
    facts = history.facts
    books = {
        number: _account(number, facts.opening if 1 <= number <= facts.accounts else 0, closing)
        for number, closing in facts.closing.items()
    }
    for number in range(1, facts.accounts + 1):
        if number not in books:
            books[number] = _account(number, facts.opening, 0)
    for at, call in enumerate(history.calls):
        if call.outcome is Outcome.COMMITTED:
            _book(books, call)
        elif call.outcome is Outcome.UNKNOWN and call.payer != call.payee:
            _side(books, call.payer).hold(at, -call.amount)
            _side(books, call.payee).hold(at, call.amount)
    return books


def _account(number: int, opening: int, closing: int) -> Account:
    return Account(number, opening, closing, residual=closing - opening)


def _side(books: dict[int, Account], number: int) -> Account:
    if number not in books:
        books[number] = _account(number, 0, 0)
    return books[number]


def _book(books: dict[int, Account], call: Call) -> None:
    payer, payee = _side(books, call.payer), _side(books, call.payee)
    payer.debit(call)
    payee.book(call.amount)
    payee.step = math.gcd(payee.step, call.amount)
