"""A search for storms that fail: what is drawn, how one is made smaller, what it says at its end."""

import shlex
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Self

import pytest
from click.testing import CliRunner

from infra.search import command
from infra.search.search import Failure, Search
from infra.search.shape import SmallStorm
from pytest_dsql.storm.transfers.faults import FaultKind, planned
from pytest_dsql.storm.transfers.plan import Shape

NAMES = frozenset({"paid_twice"})
RECORD = Path("record")


def searched(fails: Callable[[SmallStorm], bool], **known: Any) -> tuple[Search, list[str]]:
    """Search five storms, of which some fail."""
    told: list[str] = []
    search = Search(lambda storm: Failure(storm, NAMES, RECORD) if fails(storm) else None, told.append)
    search.run(SmallStorm.drawn(seed, **known) for seed in range(1, 6))
    return search, told


def test_a_storm_is_its_seeds_own() -> None:
    assert SmallStorm.drawn(1) == SmallStorm.drawn(1)
    assert len({str(SmallStorm.drawn(seed)) for seed in range(100)}) == 100
    assert {SmallStorm.drawn(seed).shape for seed in range(100)} == {*Shape}


def test_what_is_known_is_not_drawn_and_the_rest_stays() -> None:
    drawn, known = SmallStorm.drawn(1), SmallStorm.drawn(1, calls=7)
    assert known.calls == 7
    assert (known.parallel, known.once, known.shape) == (drawn.parallel, drawn.once, drawn.shape)


def test_fewer_faults_are_some_of_the_same() -> None:
    storm = SmallStorm.drawn(1, faults=12)
    fewer = next(each for each in storm.smaller() if each.faults == 11)
    some, all_ = ({(fault.kind, fault.after) for fault in planned(each.load)} for each in (fewer, storm))
    assert len(some) == 11
    assert some < all_


def test_a_storm_that_fails_is_made_as_small_as_it_fails() -> None:
    search, told = searched(lambda storm: storm.calls >= 10 and FaultKind.CUT_AFTER in storm.breaks(), faults=30)
    storm = search.smallest[NAMES].storm
    assert (storm.calls, storm.faults, storm.parallel, storm.accounts) == (10, 1, 1, 2)
    assert search.failed == 5
    assert told[0].startswith("failed in ")
    assert any(line.startswith("smaller  paid_twice: seed 1: ") for line in told)


def test_one_that_fails_now_and_then_is_tried_again() -> None:
    played = count()
    search, _ = searched(lambda _: next(played) % 2 == 0, calls=100, faults=0)
    assert search.smallest[NAMES].storm.calls == 1


def test_to_make_one_smaller_takes_so_many_storms_at_most() -> None:
    first = SmallStorm.drawn(1)
    played: list[SmallStorm] = []

    def play(storm: SmallStorm) -> Failure | None:
        played.append(storm)
        return Failure(storm, NAMES, RECORD) if storm == first else None

    Search(play, lambda _: None, most=3).run([first])
    assert len(played) == 1 + 3 * 2


def test_it_ends_with_its_time() -> None:
    search = Search(lambda _: None, lambda _: None)
    search.run((SmallStorm.drawn(seed) for seed in count()), minutes=0.001)
    assert command.summary(search) == f"{search.played:,} storms, none failed"


def test_it_ends_with_the_command_that_plays_the_smallest(monkeypatch: pytest.MonkeyPatch) -> None:
    search, _ = searched(lambda storm: storm.once and storm.faults > 0, once=True, faults=3)
    said = command.summary(search)
    assert said.startswith("5 storms, 5 failed (paid_twice); the smallest again: python -m infra search --storms=1 ")
    played: list[SmallStorm] = []
    monkeypatch.setattr("infra.search.player.Player.started", lambda _: Playing(played))
    words = shlex.split(said.partition("infra search ")[2])
    done = CliRunner().invoke(command.search, words)
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "1 storms, none failed")
    assert played == [search.smallest[NAMES].storm]


def test_an_unknown_kind_is_said() -> None:
    done = CliRunner().invoke(command.search, ["--kind=nonsense"])
    assert done.exit_code == 2
    assert "--kind: there is no 'nonsense'; there are Invoke failed, " in " ".join(done.output.split())


class Playing:
    """A player who has nothing to play on."""

    def __init__(self, played: list[SmallStorm]) -> None:
        self._played = played

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def play(self, storm: SmallStorm) -> None:
        self._played.append(storm)
