"""All orders of some callables, each checked: the invariant holds, and it equals a serial order."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pytest

from pytest_dsql.orders import table
from pytest_dsql.orders.explorer import LETTERS, CannotRepeat, Choose, Explorer, following
from pytest_dsql.orders.ground import Columns, Ground, Holds, SetUp
from pytest_dsql.orders.serial import EndState, SerialOrders
from pytest_dsql.orders.turns import Order, OutOfOrder, Turns, Work, title

if TYPE_CHECKING:
    from pytest_dsql.cluster import Cluster

MOST_CALLABLES: Final = 6
"""Their serial orders are 720."""
LONGEST_WAIT_S: Final = 600.0
_NAMED: Final = 10
"""How many orders that fail are named."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is checked, and within what bounds; ``Cluster.orders`` tells of each. Raises ValueError, naming the one."""

    set_up: SetUp
    holds: Holds | None
    columns: Columns
    most: int
    seed: int
    statements: int
    limit_s: float

    def __post_init__(self) -> None:
        for name, value in (("most", self.most), ("statements", self.statements)):
            if value < 1:
                raise ValueError(f"{name}: must be at least 1, not {value}")
        if not 0 < self.limit_s <= LONGEST_WAIT_S:
            raise ValueError(f"limit_s: must be above 0 and at most {LONGEST_WAIT_S:g}, not {self.limit_s:g}")
        if isinstance(self.set_up, str):
            raise ValueError("set_up: is a list of statements or a callable, not one statement")  # noqa: TRY004


@dataclass(frozen=True, slots=True)
class Explored:
    """The names of the orders that were played, and whether there are no others: above a bound it is a sample."""

    names: tuple[str, ...]
    complete: bool

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, slots=True)
class FailedOrder:
    """An order that fails, what it left and returned, and why that is wrong."""

    order: Order
    result: EndState
    reasons: list[str]

    @property
    def length(self) -> tuple[int, int, str]:
        """How long it is: in statements, then in how often another one goes on."""
        name = self.order.name
        return len(name), sum(one != other for one, other in pairwise(name)), name


class Check:
    """The check of some callables in a cluster."""

    def __init__(self, cluster: "Cluster", callables: Sequence[Work], terms: Terms) -> None:
        if not 2 <= len(callables) <= MOST_CALLABLES:
            raise ValueError(f"orders: are those of 2 to {MOST_CALLABLES} callables, not of {len(callables)}")
        self._callables, self._terms = callables, terms
        self._titles = [title(each) for each in callables]
        self._ground = Ground(cluster, terms.set_up)
        self._turns = Turns(cluster, callables, terms.limit_s, terms.statements)
        self._serial = SerialOrders(self._serially)
        self._findings: list[FailedOrder] = []

    def run(self, name: str | None) -> Explored:
        """Play all orders, or one by its name; fail the test where one fails, in a table that tells why."""
        order = None if name is None else self._read(name)
        try:
            self._ground.prepare().check(self._terms.columns)
            explorer = Explorer(self._play, self._lengths(), self._terms.most, self._terms.seed)
            played = explorer if order is None else [self._play(following(order))]
            names = tuple(each.name for each in played)
        except (OutOfOrder, CannotRepeat) as error:
            pytest.fail(f"orders: {error}", pytrace=False)
        finally:
            self._ground.close()
        if self._findings:
            pytest.fail(self._told(len(names)), pytrace=False)
        return Explored(names, explorer.complete)

    def _read(self, name: str) -> list[int]:
        letters = LETTERS[: len(self._callables)]
        if unknown := set(name) - set(letters):
            raise ValueError(f"order: a letter is one of {letters}, not {min(unknown)}")
        return [letters.index(letter) for letter in name]

    def _lengths(self) -> list[int]:
        """Return how many statements each sends; fail the test where one sends none, or always gives up."""
        lengths = []
        for number, named in enumerate(self._titles):
            order = self._serial.first_that_returns(number, len(self._callables))
            if order is None:
                error = self._serial.order(tuple(range(len(self._callables)))).gave_up[number]
                raise OutOfOrder(f"{LETTERS[number]}, {named}, gives up in every serial order: {error!r}") from error
            lengths.append(sum(sent.who == number for sent in order.sent))
            if not lengths[-1]:
                raise OutOfOrder(f"{LETTERS[number]}, {named}, sends no statement to this cluster")
        return lengths

    def _play(self, choose: Choose) -> Order:
        """Play an order and check it."""
        order = self._turns.play(choose)
        result, holds = self._end(order, self._terms.holds)
        reasons = [*self._asserted(order), *([] if holds else [self._broken()])]
        if not self._serial.equal(result):
            reasons.append("it equals no serial order of those that returned")
        if reasons:
            self._findings.append(FailedOrder(order, result, reasons))
        return order

    def _serially(self, who: Sequence[int]) -> tuple[Order, EndState]:
        """Play callables one after the other: of those that wait, the first in ``who``."""
        order = self._turns.play(lambda among: next(each for each in who if each in among), who)
        return order, self._end(order, None)[0]

    def _end(self, order: Order, holds: Holds | None) -> tuple[EndState, bool]:
        """Return what an order has led to and whether the invariant holds, and let the cluster be as it was."""
        now = self._ground.read()
        kept = holds is None or self._ground.holds(holds)
        self._ground.put_back(now, order)
        return EndState(now.chosen(self._terms.columns), order.returned), kept

    def _asserted(self, order: Order) -> list[str]:
        failed = ((who, error) for who, error in order.gave_up.items() if isinstance(error, AssertionError))
        return [f"an assertion of {LETTERS[who]} failed: {error}" for who, error in failed]

    def _broken(self) -> str:
        holds = self._terms.holds
        return f"it does not hold: {holds if isinstance(holds, str) else title(holds or bool)}"

    # What is told

    def _told(self, count: int) -> str:
        findings = sorted(self._findings, key=lambda finding: finding.length)
        shortest, names = findings[0], [finding.order.name for finding in findings[:_NAMED]]
        head = f"{len(findings)} of {count} orders fail; the shortest, to be repeated by order={names[0]!r}:"
        others = f"\n\nThe others: {', '.join(names[1:])}{', …' if len(findings) > _NAMED else ''}" if names[1:] else ""
        return f"{head}\n\n{table.of(shortest.order, self._titles)}\n\n{self._why(shortest)}{others}"

    def _why(self, finding: FailedOrder) -> str:
        lines = [f"- {reason}" for reason in finding.reasons]
        lines.append(f"{finding.order.name}: {table.result(finding.result, finding.order.gave_up)}")
        for who, result in self._serial.found(finding.result.returned).items():
            name = " then ".join(LETTERS[each] for each in who) or "none"
            lines.append(f"{name}: {table.result(result, self._serial.order(who).gave_up)}")
        return "\n".join(lines)
