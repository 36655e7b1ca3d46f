"""Orders of sessions that are not there: each is a list of statements, which may depend on who went on before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from pytest_dsql.orders.explorer import (
    CannotRepeat,
    Choice,
    Choose,
    Explorer,
    following,
    name,
    number_of_orders,
    systematic,
)

Left = Callable[[str], list[int]]
"""How many statements each session has left, after an order so far."""


@dataclass
class Order:
    choices: list[Choice]


def sessions(left: Left) -> Callable[[Choose], Order]:
    def play(choose: Choose) -> Order:
        order = Order([])
        while among := tuple(who for who, count in enumerate(left(name(order.choices))) if count):
            order.choices.append(Choice(choose(among), among))
        return order

    return play


def of(*lengths: int) -> Left:
    return lambda so_far: [length - so_far.count(letter) for length, letter in zip(lengths, "ABC", strict=False)]


def growing(so_far: str) -> list[int]:
    """Two sessions of two statements each; where the first one is first, the other sends four."""
    return [2 - so_far.count("A"), (4 if so_far.startswith("A") else 2) - so_far.count("B")]


def names(orders: Sequence[Order] | Explorer[Order]) -> list[str]:
    return [name(order.choices) for order in orders]


@pytest.mark.parametrize(("lengths", "count"), [((4, 4), 70), ((1, 1), 2), ((2, 2, 2), 90), ((3, 0), 1)])
def test_all_orders_of_statements_are_played_once(lengths: tuple[int, ...], count: int) -> None:
    played = names(list(systematic(sessions(of(*lengths)))))
    assert len(played) == len(set(played)) == count == number_of_orders(lengths)


def test_orders_differ_late_before_they_differ_early() -> None:
    assert names(list(systematic(sessions(of(2, 2))))) == ["AABB", "ABAB", "ABBA", "BAAB", "BABA", "BBAA"]


def test_what_a_retry_sends_is_ordered_too() -> None:
    played = names(list(systematic(sessions(growing))))
    assert played == ["AABBBB", "ABABBB", "ABBABB", "ABBBAB", "ABBBBA", "BAAB", "BABA", "BBAA"]


def test_an_order_is_repeated_by_its_name_and_ends_by_itself() -> None:
    order = sessions(of(2, 2))(following([1, 0]))
    assert name(order.choices) == "BAAB"


def test_an_order_that_cannot_be_says_where() -> None:
    with pytest.raises(CannotRepeat, match="statement 3 was to be A's"):
        sessions(of(2, 2))(following([0, 0, 0]))


def test_a_few_orders_are_all_played() -> None:
    explorer = Explorer(sessions(of(4, 4)), [4, 4], most=70, seed=1)
    assert len(names(explorer)) == 70
    assert explorer.complete


def test_of_many_orders_a_sample_is_played() -> None:
    explorer = Explorer(sessions(of(4, 4)), [4, 4], most=69, seed=1)
    played = names(explorer)
    assert 30 < len(played) == len(set(played)) <= 69
    assert not explorer.complete


def test_a_sample_is_its_seeds() -> None:
    samples = [names(Explorer(sessions(of(5, 5)), [5, 5], most=40, seed=seed)) for seed in (1, 1, 2)]
    assert samples[0] == samples[1] != samples[2]


def test_where_retries_make_more_orders_than_was_thought_a_sample_is_played_besides() -> None:
    explorer = Explorer(sessions(growing), [2, 2], most=6, seed=2)
    played = names(explorer)
    assert len(played) == len(set(played)) > 6
    assert not explorer.complete
