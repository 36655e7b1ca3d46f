"""``python -m infra search``: the search from the command line."""

import shlex
import sys
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from infra.search.search import Search
    from infra.search.shape import SmallStorm

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / ".storms"
SHAPES: Final = ("uniform", "hot", "pairs", "poor")
COMMAND: Final = ("python", "-m", "infra", "search", "--storms=1")


def _shape(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option("--calls", type=click.IntRange(1), help="Transfers of each storm; drawn unless said."),
        click.option("--parallel", type=click.IntRange(1), help="How many at a time; drawn."),
        click.option("--accounts", type=click.IntRange(2), help="How many accounts; drawn."),
        click.option("--faults", type=click.IntRange(0), help="How many faults; drawn."),
        click.option("--kind", "kinds", multiple=True, help="Faults of this kind alone, and of others that are named."),
        click.option("--exactly-once/--without-ids", "once", default=None, help="With ids, or without; drawn."),
        click.option("--commit-ms", type=click.IntRange(0), help="How long a COMMIT takes; drawn."),
        click.option("--shape", type=click.Choice(SHAPES), help="How accounts and amounts are drawn; drawn."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.option("--storms", type=click.IntRange(1), help="How many; until Ctrl-C unless this or --minutes is said.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="For how long new storms begin.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The first storm's; then one more.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default=FOLDER, help="For records; .storms")
@_shape
def search(storms: int | None, minutes: float | None, seed: int, folder: Path, **known: Any) -> None:
    """Play small storms of random shape on a stand-in of their own, and make smaller what fails.

    Each is drawn by a seed. The record of one that fails is kept; the last line tells the smallest, and the command
    that plays it again.
    """
    from infra.search.player import Player
    from infra.search.search import Search

    try:
        wanted = _read(known)
    except ValueError as error:
        raise click.UsageError(f"--kind: {error}") from None
    with Player.started(folder) as player:
        found = Search(player.play, click.echo)
        try:
            found.run(islice(_drawn(seed, wanted), storms), minutes)
        except KeyboardInterrupt:
            click.echo("interrupted")
        finally:
            click.echo(summary(found))
    sys.exit(found.failed > 0)


def _drawn(seed: int, known: dict[str, Any]) -> "Iterator[SmallStorm]":
    from infra.search.shape import SmallStorm

    return (SmallStorm.drawn(each, **known) for each in count(seed))


def _read(known: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of the storms; raise ValueError where there is no such kind of fault."""
    from pytest_dsql.storm.transfers.faults import FaultKind
    from pytest_dsql.storm.transfers.plan import Shape

    told = {name: value for name, value in known.items() if value not in {None, ()}}
    told |= {"shape": Shape(told["shape"])} if "shape" in told else {}
    for kind in set(told.get("kinds", ())) - {*FaultKind}:
        raise ValueError(f"there is no {kind!r}; there are {', '.join(sorted(FaultKind))}")
    return told | ({"kinds": tuple(FaultKind(kind) for kind in told["kinds"])} if "kinds" in told else {})


def summary(found: "Search") -> str:
    """Return what came of a search, in one line."""
    if not found.smallest:
        return f"{found.played:,} storms, none failed"
    smallest = min(found.smallest.values(), key=lambda failure: failure.storm.weight)
    names = ", ".join(sorted({name for failed in found.smallest for name in failed}))
    again = shlex.join([*COMMAND, *smallest.storm.options()])
    return f"{found.played:,} storms, {found.failed:,} failed ({names}); the smallest again: {again}"
