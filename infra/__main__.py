"""``python -m infra``: the walk-through's stack, from the command line."""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.chapters import CHAPTERS
from pytest_dsql.storm.run.options import OPTIONS, REPORT, SEARCH
from pytest_dsql.storm.transfers.scenario import ALL, CHAPTER_6

SET_UP: Final = 'activate the environment, or: pip install -e ".[account,storm]" --group test'

try:
    import click

    from infra.search.command import search
except ModuleNotFoundError:
    sys.exit(f"click is not installed: {SET_UP}")

if TYPE_CHECKING:
    from infra.cloud import Cloud
    from infra.stack import Stack

ROOT: Final = Path(__file__).parent.parent
LINES: Final = 50
NAMES: Final = [each.name for each in (*ALL, *CHAPTER_6)]
LAST: Final = CHAPTERS[-1].number
WALKTHROUGH: Final = "tests/integration/walkthrough"


class _OneLine(click.Group):
    """Tells in one line what a person can do something about; anything else is a defect and shows its trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            raise click.ClickException(f"{error.name} is not installed: {SET_UP}") from error
        except _told() as error:
            raise click.ClickException(str(error).strip()) from error


def _told() -> tuple[type[Exception], ...]:
    import psycopg
    from botocore.exceptions import BotoCoreError, ClientError

    from infra.bundle import BundleError
    from infra.cloud import CloudError
    from infra.stack import StackError
    from pytest_dsql.link.process import StandInError

    return BotoCoreError, BundleError, ClientError, CloudError, StackError, StandInError, psycopg.Error


@click.group(cls=_OneLine, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Deploy the walk-through's stack and use it, on this machine or on AWS.

    On this machine (--target local, the default) a stand-in answers in AWS's place; begin with:

    \b
        python -m infra up --detach
        eval "$(python -m infra env)"
        python -m infra deploy --chapter 0
        python -m infra invoke '{"name": "reinvent"}'
    """


def _target(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where, and the cloud they name."""
    from infra.chapters import STACK_NAME

    @click.option(
        "--target",
        type=click.Choice(["local", "aws"]),
        default="local",
        envvar="DSQL_TARGET",
        show_default=True,
        help="local: the stand-in on this machine; aws: your account.",
    )
    @click.option("--endpoint-url", help="With --target aws: an endpoint to ask in AWS's place, on purpose.")
    @click.option("--region", envvar="AWS_REGION", help="Region; on the stand-in the one that it was started for.")
    @click.option(
        "--stack-name", default=STACK_NAME, envvar="DSQL_STACK_NAME", show_default=True, help="Name of the stack."
    )
    @wraps(command)
    def run(target: str, region: str | None, endpoint_url: str | None, stack_name: str, **arguments: Any) -> Any:
        from infra.stack import Stack, to_stderr

        with closing(_cloud(target, region, endpoint_url)) as cloud:
            return command(Stack(cloud, stack_name, to_stderr), **arguments)

    return run


def _cloud(target: str, region: str | None, endpoint_url: str | None) -> "Cloud":
    if target == "aws":
        from infra.cloud import AwsCloud

        return AwsCloud(region, endpoint_url)
    from infra.stand_in import LocalCloud

    return LocalCloud.running()


# The stand-in


@cli.command()
@click.option("--detach", is_flag=True, help="Let it run in the background until `python -m infra down`.")
@click.option("--port", default=0, help="Port of the AWS endpoint on 127.0.0.1; a free one unless said otherwise.")
@click.option("--cluster-port", default=0, help="Port of clusters; 5432 where it is free unless said otherwise.")
@click.option("--region", default="us-east-1", show_default=True, help="Region that the endpoints name.")
@click.option("--strict-catalog", is_flag=True, help="Raise OC001 at any statement that needs the catalog.")
@click.option("--settle", default=0.2, show_default=True, help="Seconds that clusters and functions take to be ready.")
@click.option("--concurrency", default=1_000, show_default=True, help="Executions of functions at a time.")
def up(  # noqa: PLR0913 - one for each option
    port: int, cluster_port: int, region: str, settle: float, concurrency: int, *, strict_catalog: bool, detach: bool
) -> None:
    """Start the stand-in for AWS on this machine."""
    from infra.stand_in import STATE
    from pytest_dsql.link import process

    options = ["--port", str(port), "--cluster-port", str(cluster_port), "--region", region]
    options += ["--settle", str(settle), "--concurrency", str(concurrency)]
    options += ["--strict-catalog"] if strict_catalog else []
    if (known := STATE.read()) is not None:
        raise click.ClickException(f"it runs already, process {known['pid']}; end it with: python -m infra down")
    if detach:
        environment = process.detach(STATE, "cloud", *options)
        click.echo(f"The stand-in runs at {environment['AWS_ENDPOINT_URL']}. Reach it from this shell with:\n")
        click.echo('    eval "$(python -m infra env)"')
        return
    with process.foreground(STATE, "cloud", *options) as (running, environment):
        click.echo(f"The stand-in runs at {environment['AWS_ENDPOINT_URL']}. Reach it from another shell with:\n")
        click.echo('    eval "$(python -m infra env)"\n\nEnd it with Ctrl-C.')
        running.wait()


@cli.command()
@_target
def down(stack: "Stack") -> None:
    """Delete the stack; on this machine, end the stand-in with all that is in it."""
    if stack.cloud.target == "local":
        from infra.stand_in import NOT_RUNNING, STATE
        from pytest_dsql.link import process
        from pytest_dsql.link.shell import forgetting

        if (known := STATE.read()) is None:
            raise click.ClickException(NOT_RUNNING)
        process.stop(STATE)
        click.echo("The stand-in has ended; nothing is left of it. In a shell that was told of it:\n")
        click.echo(f"    {forgetting(known['environment'])}")
        return
    stack.delete()
    stack.remove_code()
    click.echo(f"Stack {stack.name} and its code are deleted.")


@cli.command()
@_target
def env(stack: "Stack") -> None:
    """Print what a shell must export to reach the target: eval "$(python -m infra env)"."""
    from infra.database import variables
    from pytest_dsql.link.shell import exports

    host = stack.outputs().cluster_endpoint if stack.exists() else None
    click.echo(exports(variables(stack.cloud, host)))


@cli.command()
def hosts() -> None:
    """Print each cluster's line for the hosts file, for clients that resolve names themselves; nothing is changed."""
    from infra.stand_in import NOT_RUNNING, LocalCloud
    from pytest_dsql.link import names

    environment = os.environ if "DSQL_CONTROL" in os.environ else LocalCloud.running().environment
    try:
        click.echo("\n".join(names.lines(environment)))
    except OSError:
        raise click.ClickException(NOT_RUNNING) from None


# The stack


@cli.command()
@click.option("--chapter", type=click.IntRange(0, LAST), required=True, help="How far the walk-through has come.")
@click.option("--first-half", is_flag=True, help="Chapter 1 before the permission, chapter 4 before the retry.")
@_target
def deploy(stack: "Stack", chapter: int, *, first_half: bool) -> None:
    """Let the stack be as a chapter has it."""
    from infra.bundle import build
    from infra.chapters import find

    wanted = find(chapter, first_half=first_half)
    deployment = stack.deploy(wanted, build(stack.cloud.platform))
    click.echo(f"{stack.name} {deployment.outcome}: {wanted.title}")
    _echo_outputs(deployment.described)


@cli.command()
@_target
def status(stack: "Stack") -> None:
    """Show the target, the stack and its outputs."""
    click.echo(stack.cloud.describe())
    described = stack.describe()
    click.echo(f"{stack.name}: {described['StackStatus']}")
    _echo_outputs(described)


def _echo_outputs(described: dict[str, Any]) -> None:
    for output in described.get("Outputs", ()):
        click.echo(f"  {output['OutputKey']} = {output['OutputValue']}")


@cli.command()
@click.argument("payload")
@_target
def invoke(stack: "Stack", payload: str) -> None:
    """Invoke the function with a JSON payload and print its answer."""
    try:
        json.loads(payload)
    except ValueError as error:
        raise click.UsageError(f"PAYLOAD is not JSON: {error}") from None
    answer = stack.cloud.client("lambda").invoke(FunctionName=stack.outputs().function_name, Payload=payload)
    click.echo(answer["Payload"].read().decode())
    if "FunctionError" in answer:
        raise click.ClickException("the function failed; see its log with: python -m infra logs")


@cli.command()
@click.option("--lines", default=LINES, show_default=True, help="How many.")
@_target
def logs(stack: "Stack", lines: int) -> None:
    """Print the function's latest log lines."""
    stack.describe()  # says so where there is no stack
    client = stack.cloud.client("logs")
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=stack.log_group)
    events = sorted((event for page in pages for event in page["events"]), key=lambda event: event["timestamp"])
    for event in events[-lines:]:
        click.echo(event["message"].rstrip("\n"))


# The database


@cli.command()
@click.option("--user", default="admin", show_default=True, help="Database user to sign in as.")
@_target
def token(stack: "Stack", user: str) -> None:
    """Print a token for the cluster, as `aws dsql generate-db-connect-admin-auth-token` does."""
    from infra import database

    click.echo(database.token(stack.cloud, database.endpoint(stack.outputs()), user))


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1)
@_target
def psql(stack: "Stack", arguments: tuple[str, ...]) -> None:
    """Open psql as admin, with a fresh token; ARGUMENTS go to psql (put them after --)."""
    from infra.database import endpoint, token, variables
    from pytest_dsql.command import run_psql

    host = endpoint(stack.outputs())
    run_psql({**variables(stack.cloud, host), "PGPASSWORD": token(stack.cloud, host)}, arguments)


@cli.command()
@_target
def reset(stack: "Stack") -> None:
    """Let there be the role myapp and 1,000 accounts of 100 each."""
    from infra import database, schema

    outputs = stack.outputs()
    with closing(database.connect(stack.cloud, database.endpoint(outputs))) as admin:
        schema.set_up(admin, outputs.role_arn)
    click.echo(f"{schema.ACCOUNTS:,} accounts of {schema.BALANCE} each")


@cli.command("load-accounts")
@click.option(
    "--accounts", type=click.IntRange(min=1), help="How many there shall be; a million unless said otherwise."
)
@_target
def load_accounts(stack: "Stack", accounts: int | None) -> None:
    """Let there be a million accounts: those that are missing, with 100 each, side by side."""
    from infra import database, load, schema

    host = database.endpoint(stack.outputs())
    wanted = load.MILLION if accounts is None else accounts

    def sign_in() -> Any:
        return database.connect(stack.cloud, host)

    with closing(sign_in()) as admin:
        batches = load.lacking(admin, wanted)
    lacking = sum(map(len, batches))
    if lacking:
        with click.progressbar(length=lacking, label="accounts", show_pos=True, file=sys.stderr) as bar:
            for added in load.fill(sign_in, batches):
                bar.update(added)
    click.echo(f"{wanted:,} accounts; new ones have {schema.BALANCE} each")


# The storm


cli.add_command(search)


# The walk-through


@cli.command()
@click.argument("number", type=click.IntRange(0, LAST))
@_target
def chapter(stack: "Stack", number: int) -> None:
    """Deploy a chapter and test it, as the walk-through's --test-chapter does."""
    if importlib.util.find_spec("pytest") is None:
        raise click.ClickException("pytest is not installed; the README says how to set up")
    where = ["--target", stack.cloud.target, "--stack-name", stack.name, "--region", stack.cloud.region]
    if stack.cloud.target == "aws" and (endpoint := stack.cloud.environment.get("AWS_ENDPOINT_URL")):
        where += ["--endpoint-url", endpoint]
    command = [sys.executable, "-m", "pytest", WALKTHROUGH, "-q", "-m", f"chapter{number}", "--keep-stack"]
    sys.exit(subprocess.run([*command, "--stand-in", "running", *where], cwd=ROOT, check=False).returncode)


def _storm_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command what pytest has for storms."""
    for option in reversed((*OPTIONS, *SEARCH, REPORT)):
        command = click.option(option.flag, **option.for_click())(command)
    return command


@cli.command()
@click.option("--scenario", "scenarios", multiple=True, type=click.Choice(NAMES), help="Which storm; several times.")
@click.option("--workers", type=click.IntRange(min=1), help="How many processes make the calls; one for each core.")
@_storm_options
@_target
def storm(stack: "Stack", *, scenarios: tuple[str, ...], workers: int | None, **options: Any) -> None:
    """Storm the transfer with thousands of calls, and judge what came of them.

    The stack becomes chapter 4's, or 6's; accounts are reset. Without --scenario the six storms of chapter 4 are
    played. The exit status is 0 where nothing was found, 1 where something was, 130 after Ctrl-C.
    """
    from infra.storm.command import run

    sys.exit(run(stack, argparse.Namespace(**options, target=stack.cloud.target), scenarios, workers))


if __name__ == "__main__":
    cli()
