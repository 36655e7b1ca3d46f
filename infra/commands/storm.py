"""``python -m infra storm``: storms by processes of their own, each told with its verdict first."""

import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import closing
from typing import Final

import click

from infra.bank import Bank
from infra.bundle import build
from infra.stack import Stack
from pytest_dsql.storm.run import summary
from pytest_dsql.storm.run.conductor import Bounds, Conductor
from pytest_dsql.storm.run.options import again, folder_of, load_of, size
from pytest_dsql.storm.run.play import NotPlayed, play
from pytest_dsql.storm.run.screen import Screen
from pytest_dsql.storm.transfers import scenario
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.workers.shares import cores

FOUND: Final = 1
INTERRUPTED: Final = 130
"""As a shell has it: 128, and the signal's number."""


def run(stack: Stack, options: Namespace, names: Sequence[str], workers: int | None) -> int:
    """Play the storms of these names, or chapter 4's, or with ``million`` chapter 6's; return the exit status.

    Raises click's errors where an option cannot be, or a storm has no result.
    """
    size(options)
    try:
        load, folder = load_of(options), folder_of(options)
    except ValueError as error:
        raise click.UsageError(f"--{error}") from None
    usual = scenario.CHAPTER_6 if options.million else scenario.ALL
    code, commit_s = build(stack.cloud.platform), options.commit_ms / 1000
    conductor = Conductor(
        lambda: Bank(stack, code, options.warmup, commit_s),
        Bounds.of(options).named((*scenario.ALL, *scenario.CHAPTER_6)),
        load,
        folder,
        Screen(sys.stderr.fileno()),
        again=again(["python", "-m", "infra", *sys.argv[1:]], options, load.seed),
    )
    with closing(conductor):
        status = _play(stack, conductor, load, names or [each.name for each in usual], workers or cores())
        if folder:
            for line in summary.pages(conductor.results, folder):
                click.echo(line)
        return status


def _play(stack: Stack, conductor: Conductor, load: Load, names: Sequence[str], workers: int) -> int:
    """Play storms one after the other, and tell of each when it is over."""
    told = 0
    try:
        for name in names:
            play(stack.cloud, conductor, name, load, workers=workers)
            _tell(conductor, told)
            told += 1
    except KeyboardInterrupt:
        _tell(conductor, told)
        click.echo("It was interrupted." if len(conductor.results) > told else "It was interrupted before its end.")
        return INTERRUPTED
    except NotPlayed as error:
        raise click.ClickException(str(error)) from None
    return 0 if all(result.verdict.passed for result in conductor.results) else FOUND


def _tell(conductor: Conductor, told: int) -> None:
    for title, text in summary.sections(conductor.results[told:]):
        click.echo(f"\nstorm: {title}\n{text}")
