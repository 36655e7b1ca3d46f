"""Every order, by choosing again and again who goes on: stateless model checking.

What there is to choose from depends on what was chosen before, as a retry adds statements. So an order is played from
its begin each time: up to where it is to differ from the one before by what was chosen then, and on by a rule.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Generic, Protocol, TypeVar

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class CannotRepeat(Exception):
    """Who is to go on next has ended; the text says where."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Who went on, of those who had a statement waiting."""

    chosen: int
    among: tuple[int, ...]


class Played(Protocol):
    """An order that was played to its end."""

    @property
    def choices(self) -> Sequence[Choice]:
        """What was chosen, statement by statement."""


Choose = Callable[[tuple[int, ...]], int]
P = TypeVar("P", bound=Played)
Play = Callable[[Choose], P]


def name(choices: Sequence[Choice]) -> str:
    """Return an order's name: a letter for each statement, A for the first one's."""
    return "".join(LETTERS[choice.chosen] for choice in choices)


def following(order: Sequence[int]) -> Choose:
    """Choose as an order says, and at its end whoever comes first; raise CannotRepeat where it cannot be."""
    left = iter(enumerate(order, 1))

    def choose(among: tuple[int, ...]) -> int:
        at, wanted = next(left, (0, among[0]))
        if wanted not in among:
            gone = f"statement {at} was to be {LETTERS[wanted]}'s, which has no more"
            raise CannotRepeat(f"{gone}; it has to send the same wherever it is answered the same")
        return wanted

    return choose


def number_of_orders(lengths: Sequence[int]) -> int:
    """Return how many orders there are of so many statements each: 70 of 4 and 4."""
    return math.factorial(sum(lengths)) // math.prod(math.factorial(length) for length in lengths)


def systematic(play: Play[P]) -> Iterator[P]:
    """Play every order there is, depth first."""
    prefix: list[int] | None = []
    while prefix is not None:
        played = play(following(prefix))
        yield played
        prefix = _next_prefix(played.choices)


def _next_prefix(choices: Sequence[Choice]) -> list[int] | None:
    """Return the begin of the order that follows: the last choice that can be another one is."""
    for at, choice in reversed(list(enumerate(choices))):
        later = [each for each in choice.among if each > choice.chosen]
        if later:
            return [*(before.chosen for before in choices[:at]), later[0]]
    return None


def drawn(random: Random, lengths: Sequence[int]) -> Choose:
    """Choose by chance; of so many statements each, every order is as likely as any other."""
    left = list(lengths)

    def choose(among: tuple[int, ...]) -> int:
        # Who has sent more than was thought, as in a retry, sends one more at least.
        [chosen] = random.choices(among, [max(left[each], 1) for each in among])
        left[chosen] -= 1
        return chosen

    return choose


class Explorer(Generic[P]):
    """The orders of sessions with so many statements each, no two alike.

    All of them, where they are not more than ``most``; else a sample of as many from ``seed``. Where it shows only
    underway that there are more, the sample is played besides. ``complete`` says at the end whether it was all.
    """

    def __init__(self, play: Play[P], lengths: Sequence[int], most: int, seed: int) -> None:
        self._play, self._lengths, self._most, self._seed = play, lengths, most, seed
        self._seen: set[str] = set()
        self.complete = False

    def __iter__(self) -> Iterator[P]:
        """Play them."""
        if number_of_orders(self._lengths) <= self._most:
            yield from self._all()
        if not self.complete:
            yield from self._sample()

    def _all(self) -> Iterator[P]:
        for number, played in enumerate(systematic(self._play), 1):
            self._seen.add(name(played.choices))
            yield played
            if number == self._most:
                self.complete = _next_prefix(played.choices) is None
                return
        self.complete = True

    def _sample(self) -> Iterator[P]:
        for number in range(self._most):
            played = self._play(drawn(Random(f"{self._seed}/{number}"), self._lengths))  # noqa: S311 - a seed repeats it
            if name(played.choices) not in self._seen:
                self._seen.add(name(played.choices))
                yield played
