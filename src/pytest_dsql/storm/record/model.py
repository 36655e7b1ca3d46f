"""What happened in a bank's storm, as data. Money is in the accounts' own unit."""

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_dsql.storm.record import common
from pytest_dsql.storm.record.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier sending of a call that was sent again, and what it was answered."""

    again: float
    """When the next one went out."""
    outcome: Outcome
    code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(common.Call):
    """One transfer that was sent, and what came of it."""

    payer: int
    payee: int
    amount: int
    balance: int | None = None
    """The payer's, after a committed transfer, as answered."""
    known: bool = True
    """Whether the answer stands in the tables of ``pytest_dsql.storm.transfers.answer``."""
    transfer_id: str | None = None
    earlier: tuple[Earlier, ...] = ()
    """What it was answered before it was sent again: only a call with an id may be."""

    @property
    def touched(self) -> tuple[int, ...]:
        """The accounts that it is about."""
        return self.payer, self.payee

    def __str__(self) -> str:
        return f"call {self.id} ({self.payer} to {self.payee}, {self.amount})"


@dataclass(frozen=True, slots=True)
class Reading:
    """All balances added up in one snapshot, while transfers ran."""

    begun: float
    ended: float
    count: int
    total: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a transfer with an id has left: that it was made, and the payer's balance after it."""

    payer: int
    payee: int
    amount: int
    balance: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a set of transfers comes to, whatever their order: the same for others is next to impossible."""

    rows: int = 0
    amount: int = 0
    payers: int = 0
    """The sum of their numbers."""
    payees: int = 0
    products: int = 0
    """The sum of payer times payee times amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(common.Facts):
    """The conductor's part of the history: accounts and their money besides."""

    accounts: int
    """Accounts 1 … accounts."""
    opening: int
    """The balance of each before the first call."""
    closing: Mapping[int, int]
    """The balance of each after the last, read when nothing was running any more."""
    faults: int = 0
    """How many faults it was to have."""
    left_open: int = 0
    """Transactions that were open after the last answer."""
    receipts: Mapping[str, Receipt] | None = None
    """By the transfers' ids, read then too; None where calls had no ids."""
    history: Ledger | None = None
    """What the rows come to that the transfers have left in the table of the history; None where they leave none."""

    @property
    def total(self) -> int:
        """All money there is."""
        return self.accounts * self.opening


@dataclass(frozen=True, slots=True)
class History(common.History):
    """Everything a storm of transfers left behind."""

    facts: Facts
    calls: tuple[Call, ...]
    readings: tuple[Reading, ...] = ()
    stray_answers: tuple[int, ...] = ()
    """Ids that were answered more often than sent."""
