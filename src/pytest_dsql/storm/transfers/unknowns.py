"""Decide transfers of unknown outcome by what the closing balances, and then the answered ones, leave possible.

Three steps, each only as far as it is sure. (1) Propagation: an account whose residual cannot be explained without a
transfer, or not with it, decides that transfer, which changes the account on its other side, and so on; an account
with one open transfer is the simplest case. (2) Search: what is left falls apart into groups that share accounts; all
choices of a small group are tried. A group that has none contradicts the balances. (3) Of the choices that fit to the
cent those go that no serial order of the answered balances allows; what all the others agree in is decided.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pytest_dsql.storm.record.model import Call
from pytest_dsql.storm.transfers.books import Account

_SEARCHED_TRANSFERS: Final = 200
_SEARCH_STEPS: Final = 5_000
_CHOICES: Final = 256


@dataclass(frozen=True, slots=True)
class Miss:
    """An account that contradicts the answers, and by how much."""

    account: int
    off: int
    text: str


@dataclass(slots=True)
class Resolution:
    """What came of the open transfers, by their number in the history."""

    made: dict[int, bool] = field(default_factory=dict)
    misses: list[Miss] = field(default_factory=list)
    disorder: list[Miss] = field(default_factory=list)
    """Accounts where every choice that fits to the cent contradicts the answered balances."""
    ambiguous: list[int] = field(default_factory=list)


def resolve(books: Mapping[int, Account], calls: Sequence[Call]) -> Resolution:
    """Decide what can be decided, and book it."""
    resolver = _Resolver(books, calls)
    resolver.propagate(books.values())
    for group in list(resolver.groups()):
        resolver.search(group)
    result = resolver.result
    result.ambiguous = sorted({call for account in books.values() for call in account.open})
    result.misses.sort(key=lambda miss: miss.account)
    return result


class _Exhausted(Exception):
    """A group has more choices than are worth trying."""


class _Resolver:
    def __init__(self, books: Mapping[int, Account], calls: Sequence[Call]) -> None:
        self._books, self._calls = books, calls
        self.result = Resolution()

    def propagate(self, accounts: Iterable[Account]) -> None:
        """Decide what single accounts force, until nothing more follows."""
        queue = deque(accounts)
        while queue:
            account = queue.popleft()
            if account.broken:
                continue
            if not account.explicable:
                self._break(account)
                continue
            while forced := _forced(account):
                call, made = forced
                if made is None:
                    self._break(account)
                    break
                queue.extend(self._decide(call, made=made))

    def groups(self) -> Iterator[list[int]]:
        """The open transfers, in groups that share no account that still has something to say."""
        seen: set[int] = set()
        for account in self._books.values():
            if account.open and not account.broken and not seen.issuperset(account.open):
                yield self._group(account, seen)

    def search(self, group: list[int]) -> None:
        """Decide what all choices that are possible agree in."""
        accounts = self._accounts(group)
        try:
            choices = _Choices(group, accounts).all()
        except _Exhausted:
            for account in accounts.values():
                if account.residual % account.open_step:
                    self._break(account)
            return
        if not choices:
            self._break(next(account for account in accounts.values() if account.residual))
            return
        ordered = self._in_order(choices, accounts)
        for call in group:
            if len(values := {choice[call] for choice in ordered}) == 1:
                self._decide(call, made=values.pop())

    def _in_order(self, choices: list[dict[int, bool]], accounts: Mapping[int, Account]) -> list[dict[int, bool]]:
        """Return the choices that the answered balances allow, all where they allow none."""
        demands = {number: account.demand() for number, account in accounts.items()}
        wrong: dict[int, str] = {}
        ordered = []
        for choice in choices:
            contradicted = {
                number: text
                for number, account in accounts.items()
                if (text := account.disorder(choice, demands[number]))
            }
            wrong |= contradicted
            if not contradicted:
                ordered.append(choice)
        if ordered:
            return ordered
        number = min(wrong)
        self.result.disorder.append(Miss(number, 0, wrong[number]))
        return choices

    def _group(self, account: Account, seen: set[int]) -> list[int]:
        group, queue, visited = [], deque([account]), {account.number}
        while queue:
            for call in queue.popleft().open:
                if call not in seen:
                    seen.add(call)
                    group.append(call)
                    sides = [side for side in self._sides(call) if not side.broken and side.number not in visited]
                    visited.update(side.number for side in sides)
                    queue.extend(sides)
        return group

    def _accounts(self, group: list[int]) -> dict[int, Account]:
        sides = {side.number: side for call in group for side in self._sides(call) if not side.broken}
        return dict(sorted(sides.items()))

    def _decide(self, call: int, *, made: bool) -> list[Account]:
        self.result.made[call] = made
        sides = self._sides(call)
        for side in sides:
            side.decide(call, made=made)
        return sides

    def _sides(self, call: int) -> list[Account]:
        return [self._books[self._calls[call].payer], self._books[self._calls[call].payee]]

    def _break(self, account: Account) -> None:
        account.broken = True
        self.result.misses.append(_miss(account))


def _forced(account: Account) -> tuple[int, bool | None] | None:
    """Return a transfer that the account decides; None for its value where the account allows neither."""
    above, below = account.residual - account.low, account.high - account.residual
    if min(above, below) >= account.largest:
        return None
    for call, change in account.open.items():
        may, may_not = (above, below) if change > 0 else (below, above)
        made, not_made = may >= abs(change), may_not >= abs(change)
        if not (made and not_made):
            return call, made if made or not_made else None
    return None


class _Choices:
    """All choices for a group that explain its accounts to the cent."""

    def __init__(self, group: list[int], accounts: Mapping[int, Account]) -> None:
        self._group = group
        self._steps, self._found = 0, 0
        self._choice: dict[int, bool] = {}
        self._sides: dict[int, list[tuple[list[int], int]]] = {call: [] for call in group}
        for account in accounts.values():
            scale = [account.residual, account.low, account.high]
            for call, change in account.open.items():
                self._sides[call].append((scale, change))

    def all(self) -> list[dict[int, bool]]:
        """Return them; raises _Exhausted where there are too many, or too many to try."""
        if len(self._group) > _SEARCHED_TRANSFERS:
            raise _Exhausted
        return list(self._from(0))

    def _from(self, depth: int) -> Iterator[dict[int, bool]]:
        self._steps += 1
        self._found += depth == len(self._group)
        if self._steps > _SEARCH_STEPS or self._found > _CHOICES:
            raise _Exhausted
        if depth == len(self._group):
            yield dict(self._choice)
            return
        call = self._group[depth]
        for made in (False, True):
            self._weigh(call, made=made, sign=1)
            if all(low <= residual <= high for (residual, low, high), _ in self._sides[call]):
                self._choice[call] = made
                yield from self._from(depth + 1)
            self._weigh(call, made=made, sign=-1)

    def _weigh(self, call: int, *, made: bool, sign: int) -> None:
        """Take a transfer out of what is open on its accounts, as made or not; or put it back."""
        for scale, change in self._sides[call]:
            scale[0] -= sign * change * made
            scale[1] -= sign * min(change, 0)
            scale[2] -= sign * max(change, 0)


def _miss(account: Account) -> Miss:
    explained = account.closing - account.residual
    text = (
        f"account {account.number} opened at {account.opening} and closed at {account.closing}, and what is known of "
        f"its transfers makes {explained}: off by {account.residual:+}"
    )
    if account.open:
        text += f", which none of its {len(account.open)} unknown outcomes explains"
    return Miss(account.number, account.residual, text)
