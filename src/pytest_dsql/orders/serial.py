"""Serial orders: what callables leave and return one after the other, to be compared with."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from pytest_dsql.orders.contents import Row
from pytest_dsql.orders.turns import Order


@dataclass(frozen=True, slots=True)
class EndState:
    """What is in the tables in the end, and what each callable returned that did not give up."""

    left: dict[str, list[Row]]
    returned: dict[int, Any]


PlaySerially = Callable[[Sequence[int]], tuple[Order, EndState]]


class SerialOrders:
    """The serial orders of callables, each played when it is first asked for."""

    def __init__(self, play: PlaySerially) -> None:
        self._play = play
        self._played: dict[tuple[int, ...], tuple[Order, EndState]] = {}

    def order(self, who: tuple[int, ...]) -> Order:
        """Return what was sent in a serial order of these callables."""
        return self._of(who)[0]

    def found(self, who: Iterable[int]) -> dict[tuple[int, ...], EndState]:
        """Return the results of all serial orders of these callables."""
        return {each: self._of(each)[1] for each in permutations(sorted(who))}

    def equal(self, result: EndState) -> bool:
        """Say whether a result is that of some serial order of those that returned: who gave up did not run."""
        return any(self._of(each)[1] == result for each in permutations(sorted(result.returned)))

    def first_that_returns(self, number: int, count: int) -> Order | None:
        """Return a serial order of all in which a callable returns, None where it gives up in each."""
        orders = (self.order(each) for each in permutations(range(count)))
        return next((order for order in orders if number in order.returned), None)

    def _of(self, who: tuple[int, ...]) -> tuple[Order, EndState]:
        if who not in self._played:
            self._played[who] = self._play(who)
        return self._played[who]
