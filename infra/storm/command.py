"""``python -m infra storm``: storms by processes of their own, each told with its verdict first."""

import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from infra.bank import Bank
from infra.bundle import build
from infra.stack import Stack
from pytest_dsql.storm.rate import report
from pytest_dsql.storm.rate.knee import Knee
from pytest_dsql.storm.rate.steps import StepFailed, Steps
from pytest_dsql.storm.record.common import INTERRUPTED
from pytest_dsql.storm.run import summary
from pytest_dsql.storm.run.conductor import Bounds, Conductor, Result
from pytest_dsql.storm.run.options import FIRST_RATE, again, folder_of, load_of, searched, size
from pytest_dsql.storm.run.play import NotPlayed, play
from pytest_dsql.storm.run.screen import Screen
from pytest_dsql.storm.transfers import scenario
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.workers.shares import cores

FOUND: Final = 1
BROKEN_OFF: Final = 130
"""As a shell has it: 128, and the signal's number."""


def run(stack: Stack, options: Namespace, names: Sequence[str], workers: int | None) -> int:
    """Play the storms of these names, or chapter 4's, or with ``million`` chapter 6's; return the exit status.

    With ``find_rate`` the first of them, by default the one with retry, is played until the highest rate is known.
    Raises click's errors where an option cannot be, or a storm has no result.
    """
    size(options)
    try:
        limit_ms = searched(options) if options.find_rate else None
        load, folder = load_of(options), folder_of(options)
    except ValueError as error:
        raise click.UsageError(f"--{error}") from None
    code, commit_s = build(stack.cloud.platform), options.commit_ms / 1000
    conductor = Conductor(
        lambda: Bank(stack, code, options.warmup, commit_s),
        Bounds.of(options).named((*scenario.ALL, *scenario.CHAPTER_6)),
        load,
        folder,
        Screen(sys.stderr.fileno()),
        again=again(["python", "-m", "infra", *sys.argv[1:]], options, load.seed),
    )
    storms = Storms(stack, conductor, load, workers or cores())
    with closing(conductor):
        try:
            if limit_ms is not None:
                search = (names[0] if names else scenario.WITH.name, limit_ms, options.step)
                return storms.find_rate(*search, folder)
            usual = scenario.CHAPTER_6 if options.million else scenario.ALL
            return storms.play(names or [each.name for each in usual])
        except (NotPlayed, StepFailed) as error:
            raise click.ClickException(str(error)) from None
        finally:
            for line in summary.pages(conductor.results, folder) if folder else ():
                click.echo(line)


@dataclass(frozen=True, slots=True)
class Storms:
    """Plays storms on a stack, by so many processes."""

    stack: Stack
    conductor: Conductor
    load: Load
    workers: int

    def play(self, names: Sequence[str]) -> int:
        """Play storms one after the other, and tell of each when it is over."""
        results = self.conductor.results
        try:
            for name in names:
                _tell([play(self.stack.cloud, self.conductor, name, self.load, workers=self.workers)])
        except KeyboardInterrupt:
            _tell([result for result in results if result.history.facts.trouble == INTERRUPTED])
            click.echo("It was interrupted.")
            return BROKEN_OFF
        return 0 if all(result.verdict.passed for result in results) else FOUND

    def find_rate(self, name: str, limit_ms: float, seconds: float, folder: Path | None) -> int:
        """Find the highest rate at which a storm holds a p99, and tell of it."""
        found, status = Knee(limit_ms, ()), FOUND
        steps = Steps(self.stack.cloud, self.conductor, name, self.load, self.workers, seconds)
        try:
            for found in steps.run(limit_ms, self.load.rate or FIRST_RATE):
                click.echo(report.row(found.steps[-1]), err=True)
            status = 0 if found.best else FOUND
        except StepFailed as failed:
            _tell([failed.result])
            raise
        except KeyboardInterrupt:
            click.echo("It was interrupted.")
            status = BROKEN_OFF
        if found.steps:
            target = self.conductor.results[0].history.facts.target
            click.echo(f"\n{report.text(found, target)}\n")
            if folder:
                click.echo(f"rates: {report.write(folder, found, target)}")
        return status


def _tell(results: Sequence[Result]) -> None:
    for title, text in summary.sections(results):
        click.echo(f"\nstorm: {title}\n{text}")
