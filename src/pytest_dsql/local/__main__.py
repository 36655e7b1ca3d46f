"""``python -m pytest_dsql.local``: the stand-in, whole (``cloud``) or its data plane alone (``dsql``)."""

import asyncio
import gc
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from pytest_dsql.link.batch import as_batch, with_descriptors
from pytest_dsql.link.shell import exports
from pytest_dsql.local.functions.invoke.facts import CONCURRENCY
from pytest_dsql.local.network import roots
from pytest_dsql.local.network.addresses import PORT
from pytest_dsql.local.postgres.provider import PostgresUnavailable

REGION: Final = "us-east-1"
SETTLE_S: Final = 0.2
GARBAGE: Final = 20_000
"""New objects after which the collector looks for circles: what a message brings is in none, and goes by itself."""
Standing = Callable[[], AbstractAsyncContextManager[dict[str, str]]]


@click.group()
def cli() -> None:
    """Run parts of the stand-in for AWS on this machine."""
    if sys.platform == "win32":
        raise click.ClickException("the stand-in runs on Linux and macOS; on Windows it runs in WSL")
    # A shell that was told how to reach an earlier stand-in must not lead this one astray.
    for name in [name for name in os.environ if name.startswith(("AWS_", "PG")) and name not in roots.VARIABLES]:
        del os.environ[name]


def _common(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option("--region", default=REGION, show_default=True, help="Region that the endpoints name."),
        click.option("--strict-catalog", is_flag=True, help="Raise OC001 at any statement that needs the catalog."),
        click.option("--json", "as_json", is_flag=True, help="Print one line of JSON in place of exports."),
        click.option("--until-eof", is_flag=True, help="End when standard input does."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@cli.command()
@_common
@click.option("--port", default=0, help=f"Port on 127.0.0.1; {PORT} on another address unless said otherwise.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Keep the contents here, durably.")
@click.option("--listen", metavar="ADDRESS", help="Listen at this address in place of loopback.")
def dsql(port: int, region: str, data: Path | None, listen: str | None, *, strict_catalog: bool, **how: bool) -> None:
    """Run a truthful Aurora DSQL and print the environment that a client needs.

    Without --data it is fast and disposable: nothing is flushed to disk, and all of it goes when it ends.
    """
    from pytest_dsql.local.alone import standing

    _run(partial(standing, port, region, data, listen, strict_catalog=strict_catalog), **how)


@cli.command()
@_common
@click.option("--port", default=0, help="Port of AWS's endpoint on 127.0.0.1; a free one unless said otherwise.")
@click.option("--cluster-port", default=0, help=f"Port of clusters; {PORT} where it is free unless said otherwise.")
@click.option(
    "--settle",
    type=click.FloatRange(min=0),
    default=SETTLE_S,
    show_default=True,
    help="Seconds that clusters are CREATING, UPDATING or DELETING, and functions Pending.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=CONCURRENCY,
    show_default=True,
    help="Executions of functions at a time, the account's quota.",
)
def cloud(  # noqa: PLR0913 - one for each option
    port: int, region: str, cluster_port: int, settle: float, concurrency: int, *, strict_catalog: bool, **how: bool
) -> None:
    """Run the part of AWS that the walk-through needs and print the environment that a client needs."""
    from pytest_dsql.local.cloud import standing

    whole = partial(standing, port, region, cluster_port, settle)
    _run(partial(whole, concurrency=concurrency, strict_catalog=strict_catalog), **how)


def _run(standing: Standing, *, as_json: bool, until_eof: bool) -> None:
    as_batch()
    with_descriptors()
    gc.set_threshold(GARBAGE)
    try:
        import uvloop

        uvloop.run(_serve(standing, as_json=as_json, until_eof=until_eof))
    except (PostgresUnavailable, OSError) as error:
        raise click.ClickException(str(error)) from error
    gc.freeze()  # to collect what moto has loaded, at the interpreter's end, would take most of a second


async def _serve(standing: Standing, *, as_json: bool, until_eof: bool) -> None:
    over = _over(until_eof=until_eof)
    async with standing() as environment:
        print(json.dumps(environment) if as_json else exports(environment), flush=True)
        await over.wait()


def _over(*, until_eof: bool) -> asyncio.Event:
    """Return what is set by Ctrl-C, SIGTERM or, where asked, the end of standard input."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    if until_eof:
        loop.add_reader(sys.stdin, _read_until_eof, over)
    return over


def _read_until_eof(over: asyncio.Event) -> Any:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin)
        over.set()


if __name__ == "__main__":
    cli()
