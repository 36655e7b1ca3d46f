"""What a storm asks of what it plays on."""

import random
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from pytest_dsql.storm.record.model import Ledger, Receipt
from pytest_dsql.storm.record.record import Recorder
from pytest_dsql.storm.transfers.faults import FaultKind
from pytest_dsql.storm.transfers.scenario import Scenario


class Stage(Protocol):
    """A deployed function and its accounts, set up for one storm after the other."""

    @property
    def target(self) -> str:
        """``local`` or ``aws``: it stands beside every figure."""
        ...

    @property
    def opening(self) -> int:
        """What each account has at first."""
        ...

    def describe(self) -> str:
        """Return in one line where it is."""
        ...

    def set_up(self, scenario: Scenario, accounts: int) -> str:
        """Let all be as a scenario begins; return the function's name."""
        ...

    def paced(self) -> AbstractContextManager[str]:
        """Have COMMITs take what the run wants them to, for as long as the block lasts; give it in words."""
        ...

    def read(self, recorder: Recorder, origin: float, over: threading.Event) -> None:
        """Add up all balances, each time in one snapshot, until ``over``."""

    def disturb(self, kind: FaultKind, chance: random.Random, over: threading.Event) -> int:
        """Have something break, for a moment or until ``over``; return how often it was met, raise where it cannot."""
        ...

    def left_open(self) -> int:
        """Return how many transactions are open."""
        ...

    def tear_down(self) -> None:
        """Take back what a scenario changed."""

    def closing_balances(self) -> dict[int, int]:
        """Return every account's balance."""
        ...

    def receipts(self) -> dict[str, Receipt]:
        """Return the receipts of all transfers with an id, by their ids."""
        ...

    def history(self) -> Ledger | None:
        """Return what the rows of the history come to, None where the scenario writes none."""
        ...

    def cold_starts(self, since: float) -> int:
        """Return how many environments of the function have begun since ``since`` (s since the epoch)."""
        ...

    def conflicts(self) -> Mapping[str, int] | None:
        """Return how often clients were told 40001 so far, by OC000 and OC001; None where nobody counts."""
        ...

    def settings(self) -> dict[str, str]:
        """Return what ran and how, for the report."""
        ...
