"""``python -m infra.local dsql``: the data plane alone, for any client of PostgreSQL."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import click

from infra.local.control import Control
from infra.local.dataplane import DataPlane
from infra.local.folder import owned
from infra.local.iam.principals import Credentials, Principal, Table
from infra.local.postgres import PostgresUnavailable

ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
EVERYTHING: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "dsql:*", "Resource": "*"}],
}


@click.group()
def cli() -> None:
    """Run parts of the stand-in for AWS on this machine."""


@cli.command()
@click.option("--port", default=0, help="Port on 127.0.0.1; a free one unless said otherwise.")
@click.option("--region", default=REGION, show_default=True, help="Region that the endpoint names.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Keep the contents here, durably.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON in place of exports.")
@click.option("--until-eof", is_flag=True, help="End when standard input does.")
def dsql(port: int, region: str, data: Path | None, *, as_json: bool, until_eof: bool) -> None:
    """Run a truthful Aurora DSQL and print the environment that a client needs.

    Without --data it is fast and disposable: nothing is flushed to disk, and all of it goes when it ends.
    """
    try:
        import uvloop

        uvloop.run(_serve(port, region, data, as_json=as_json, until_eof=until_eof))
    except (PostgresUnavailable, OSError) as error:
        raise click.ClickException(str(error)) from error


async def _serve(port: int, region: str, data: Path | None, *, as_json: bool, until_eof: bool) -> None:
    over = _over(until_eof=until_eof)
    async with _standing(port, region, data) as environment:
        lines = json.dumps(environment) if as_json else _exports(environment)
        print(lines, flush=True)
        await over.wait()


def _exports(environment: dict[str, str]) -> str:
    return "\n".join(f"export {name}={value}" for name, value in environment.items())


@contextlib.asynccontextmanager
async def _standing(port: int, region: str, data: Path | None) -> AsyncIterator[dict[str, str]]:
    key, secret = "AKIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30)
    user = Principal(f"arn:aws:iam::{ACCOUNT}:user/developer", ACCOUNT, (EVERYTHING,))
    principals = Table([Credentials(key, secret, user)])
    with owned("dsql-stand-in-") as folder:
        plane = DataPlane(folder, principals, region, ACCOUNT)
        plane.start(port)
        try:
            cluster = await plane.create_cluster(data=data)
            control = await Control(plane, principals).start(folder / "control")
            yield {
                "CLUSTER_ENDPOINT": cluster.host,
                "DSQL_CONTROL": str(folder / "control"),
                "AWS_ACCESS_KEY_ID": key,
                "AWS_SECRET_ACCESS_KEY": secret,
                "AWS_REGION": region,
                "AWS_DEFAULT_REGION": region,
                "PGHOST": cluster.host,
                "PGHOSTADDR": "127.0.0.1",
                "PGPORT": str(plane.port),
                "PGDATABASE": "postgres",
                "PGUSER": "admin",
                "PGSSLMODE": "verify-full",
                "PGSSLROOTCERT": str(plane.authority.path),
            }
            control.close()
        finally:
            await plane.close()


def _over(*, until_eof: bool) -> asyncio.Event:
    """Return what is set by Ctrl-C, SIGTERM or, where asked, the end of standard input."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    if until_eof:
        loop.add_reader(sys.stdin, _read_until_eof, over)
    return over


def _read_until_eof(over: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin)
        over.set()


if __name__ == "__main__":
    cli()
