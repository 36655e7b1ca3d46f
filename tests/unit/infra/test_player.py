"""Who plays the storms of a search: what passes leaves nothing, what fails its record."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from infra.search.player import NOT_PLAYED, SAID, Player
from infra.search.shape import SmallStorm
from pytest_dsql.storm.record.verdict import Finding, Verdict
from pytest_dsql.storm.run.conductor import Result
from pytest_dsql.storm.workers.rendezvous import Interrupted
from tests.unit.storm.bank import busy

STORM = SmallStorm.drawn(1)


class Arena(SimpleNamespace):
    """Where storms end as they are told to."""

    def play(self, *_: Any, **__: Any) -> Result:
        if isinstance(self.verdict, Interrupted):
            raise self.verdict
        (self.folder / "search").mkdir()
        return Result(STORM.scenario, busy().history(), self.verdict, self.folder / "search")


@pytest.fixture
def arena(tmp_path: Path) -> Arena:
    return Arena(folder=tmp_path, verdict=Verdict(), stack=SimpleNamespace(exists=lambda: True))


@pytest.fixture
def player(arena: Arena, tmp_path: Path) -> Player:
    (tmp_path / "log").touch()
    return Player(cast("Any", arena), tmp_path / "log")


def test_a_storm_that_passes_leaves_nothing(player: Player, tmp_path: Path) -> None:
    assert player.play(STORM) is None
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_one_that_fails_leaves_its_record_and_its_report(player: Player, arena: Arena) -> None:
    arena.verdict = Verdict((Finding("lost", "1 call"),))
    failure = player.play(STORM)
    assert failure
    assert failure.names == {"lost"}
    assert (failure.record / "report.txt").read_text().startswith(f"{STORM}\n\n")


def test_one_that_was_over_before_its_first_fault_is_no_failure(player: Player, arena: Arena) -> None:
    arena.verdict = Verdict((Finding("missing_faults", "none of 2"),))
    assert player.play(STORM) is None


def test_a_word_of_the_stand_in_fails_the_storm_that_had_it_said_alone(player: Player) -> None:
    player.log.write_text("oh\n")
    failure = player.play(STORM)
    assert failure
    assert failure.names == {SAID}
    assert (failure.record / "stand-in.log").read_text() == "oh\n"
    failure.record.rename(failure.record.parent / "kept")
    assert player.play(STORM) is None


def test_one_that_cannot_be_played_says_why(player: Player, arena: Arena) -> None:
    arena.verdict = Interrupted("no more")
    failure = player.play(STORM)
    assert failure
    assert failure.names == {NOT_PLAYED}
    assert "no more" in (failure.record / "report.txt").read_text()
