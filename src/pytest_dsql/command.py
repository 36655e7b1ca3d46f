"""``dsql-local``: a truthful Aurora DSQL on this machine, from a shell, for programs in any language."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from pytest_dsql.link import process, version
from pytest_dsql.link.handle import ControlError
from pytest_dsql.link.kinds import KINDS
from pytest_dsql.link.process import StandInError
from pytest_dsql.link.shell import exports, forgetting
from pytest_dsql.link.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_dsql.cluster import Cluster

HOME: Final = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "pytest-dsql"
STATE: Final = State(Path(os.environ.get("DSQL_STATE_DIR") or HOME) / "dsql.json")
NOT_RUNNING: Final = "no stand-in is running; start one with: dsql-local up --detach"
NOT_FOUND, NOT_RUNNABLE = 127, 126
"""How a shell ends that was to run what is not there, or is no program (POSIX, sh)."""
_OURS: Final = ("AWS_", "PG", "DSQL_", "CLUSTER_ENDPOINT", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
NAMES: Final = Path(__file__).parent / "link" / "names.cjs"


class _OneLine(click.Group):
    """Tells in one line what a person can do something about."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (StandInError, ControlError, version.VersionError) as error:
            raise click.ClickException(str(error).strip()) from None
        except (ConnectionError, FileNotFoundError) as error:
            raise click.ClickException(f"{NOT_RUNNING} ({error})") from None


@click.group(cls=_OneLine, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run a truthful Aurora DSQL on this machine. No account, no Docker.

    \b
        dsql-local exec -- npm test        any command, with a cluster that ends with it
        dsql-local up --detach             one that stays, until: dsql-local down
        eval "$(dsql-local env)"           reach it from this shell
    """


def _options(port: int, keep: Path | None, *, strict_catalog: bool) -> list[str]:
    return [
        *("--port", str(port)),
        *(["--data", str(keep.absolute())] if keep else []),
        *(["--strict-catalog"] if strict_catalog else []),
    ]


def _starts(command: Any) -> Any:
    options = (
        click.option("--port", default=0, help="Port on 127.0.0.1; else 5432, on an address of its own."),
        click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Keep the data in this folder."),
        click.option("--strict-catalog", is_flag=True, help="Raise OC001 at any statement that needs the catalog."),
    )
    for option in reversed(options):
        command = option(command)
    return command


# The stand-in


@cli.command()
@_starts
@click.option("--detach", is_flag=True, help="Let it run in the background until `dsql-local down`.")
@click.option("--listen", metavar="ADDRESS", help="Listen for other machines too, in a container for its host.")
def up(port: int, keep: Path | None, listen: str | None, *, strict_catalog: bool, detach: bool) -> None:
    """Start a cluster, and print what a client's shell has to export."""
    options = _options(port, keep, strict_catalog=strict_catalog) + (["--listen", listen] if listen else [])
    if (known := STATE.read()) is not None:
        raise click.ClickException(f"one runs already, process {known['pid']}; end it with: dsql-local down")
    if detach:
        environment = process.detach(STATE, "dsql", *options)
        click.echo(f"# Cluster {environment['CLUSTER_ENDPOINT']} runs. Reach it from a shell with:")
        click.echo('#     eval "$(dsql-local env)"')
        return
    with process.foreground(STATE, "dsql", *options) as (running, environment):
        click.echo(exports(environment))
        click.echo("# End it with Ctrl-C.")
        running.wait()


@cli.command(hidden=True, context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def serve(arguments: tuple[str, ...]) -> None:
    """Be a stand-in for a process of another environment, which says by DSQL_COMMAND that it is this one's."""
    os.execv(sys.executable, [sys.executable, "-P", "-m", "pytest_dsql.local", *arguments])  # noqa: S606 - a shell is not wanted


@cli.command(context_settings={"ignore_unknown_options": True})
@_starts
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec(port: int, keep: Path | None, command: tuple[str, ...], *, strict_catalog: bool) -> None:  # noqa: A001
    """Run COMMAND with a cluster of its own in its environment; put it after --. Its status is ours."""
    with _own(_options(port, keep, strict_catalog=strict_catalog)) as environment:
        try:
            done = subprocess.run(command, env={**os.environ, **_for_programs(environment)}, check=False)
        except (FileNotFoundError, PermissionError) as error:
            click.echo(f"Error: {command[0]} cannot be run: {error.strerror}", err=True)
            sys.exit(NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUNNABLE)
    sys.exit(done.returncode if done.returncode >= 0 else 128 - done.returncode)


@contextmanager
def _own(options: list[str]) -> "Iterator[dict[str, str]]":
    running, environment = process.launch("dsql", *options)
    try:
        yield environment
    finally:
        process.end(running)


def _for_programs(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables, with what node needs to find the cluster by its name."""
    names = str(NAMES).replace("\\", "\\\\").replace('"', '\\"')
    node = " ".join(filter(None, (os.environ.get("NODE_OPTIONS"), f'--require "{names}"')))
    return {**environment, "NODE_OPTIONS": node}


@cli.command()
@click.option(
    "--roots", metavar="FILE", help="Where the shell has what `dsql-local roots` prints; for another machine."
)
def env(roots: str | None) -> None:
    """Print what a shell must export to reach the cluster: eval "$(dsql-local env)"."""
    environment = _cluster().environment
    click.echo(exports(_for_others(environment, roots) if roots else environment))


def _for_others(environment: Mapping[str, str], roots: str) -> dict[str, str]:
    """Return the variables without those that name what is on this machine alone, and the roots' file as theirs."""
    carried = {name: value for name, value in environment.items() if not Path(value).is_absolute()}
    return {**carried, "PGSSLROOTCERT": roots, "NODE_EXTRA_CA_CERTS": roots}


@cli.command()
def roots() -> None:
    """Print the certificate that the cluster's is signed by, for clients that cannot read this machine's files."""
    click.echo(Path(_cluster().environment["PGSSLROOTCERT"]).read_text(), nl=False)


@cli.command()
def status() -> None:
    """Show the cluster, its sessions, its commits and the faults in force."""
    cluster = _cluster()
    handle = cluster.handle
    commits = ", ".join(f"{count:,} {outcome}" for outcome, count in handle.commits().items()) or "none"
    click.echo(f"cluster: {cluster.host}\nsessions: {len(handle.sessions()):,}\ncommits: {commits}")
    for name, fault in handle.faults().items():
        click.echo(f"fault {name}: {_told(fault)}")


@cli.command()
def down() -> None:
    """End the cluster that runs, with all that is in it but what --keep keeps."""
    known = STATE.read()
    if known is None:
        raise click.ClickException(NOT_RUNNING)
    process.stop(STATE)
    click.echo("The cluster has ended. In a shell that was told of it:")
    click.echo(f"    {forgetting(known['environment'])}")


# The cluster


def _cluster() -> "Cluster":
    """Return the cluster of this shell's variables, else the one that runs in the background."""
    from pytest_dsql.cluster import Cluster

    if "DSQL_CONTROL" in os.environ and "CLUSTER_ENDPOINT" in os.environ:
        environment = {name: value for name, value in os.environ.items() if name.startswith(_OURS)}
    elif known := STATE.read():
        environment = known["environment"]
    else:
        raise click.ClickException(NOT_RUNNING)
    version.check(environment)
    return Cluster(environment)


@cli.command()
@click.option("--user", default="admin", show_default=True, help="Database user to sign in as.")
def token(user: str) -> None:
    """Print a token: for 15 minutes it is the user's password."""
    click.echo(_cluster().token(user))


@cli.command(context_settings={"ignore_unknown_options": True})
@click.option("--user", default="admin", show_default=True, help="Database user to sign in as.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(user: str, arguments: tuple[str, ...]) -> None:
    """Open psql with a fresh token; ARGUMENTS go to psql (put them after --)."""
    cluster = _cluster()
    run_psql({**cluster.environment, "PGUSER": user, "PGPASSWORD": cluster.token(user)}, arguments)


def run_psql(environment: Mapping[str, str], arguments: Sequence[str]) -> NoReturn:
    """Run psql with these variables besides, and end as it ends; raise ClickException where it is not installed."""
    try:
        done = subprocess.run(["psql", *arguments], env={**os.environ, **environment}, check=False)
    except FileNotFoundError:
        raise click.ClickException("psql is not installed; it comes with PostgreSQL's client programs") from None
    sys.exit(done.returncode)


@cli.command()
def hosts() -> None:
    """Print each cluster's line for the hosts file, for clients that resolve names themselves; nothing is changed."""
    from pytest_dsql.link import names

    click.echo("\n".join(names.lines(_cluster().environment)))


# Faults


@cli.group()
def faults() -> None:
    """Have something happen to an application at the wire, whatever language it is in; count it; take it back."""


@faults.command("set")
@click.argument("name", type=click.Choice(sorted(KINDS)))
@click.option("--times", type=click.IntRange(1), help="How often; else once, and `slow` until it is cleared.")
@click.option("--table", help="Only transactions that have written to this table.")
@click.option("--role", help="Only sessions of this database role.")
@click.option("--seconds", type=click.FloatRange(min=0), help="How long `slow` takes.")
@click.option("--at", type=click.Choice(["commit", "statement", "sign_in"]), help="What `slow` slows; commit.")
def set_fault(name: str, **narrowed: Any) -> None:
    """Put a fault in force and print its id."""
    if (name == "slow") is (narrowed["seconds"] is None):
        raise click.UsageError("--seconds goes with slow, and slow with --seconds")
    if narrowed["at"] and name != "slow":
        raise click.UsageError("--at goes with slow")
    settings = {**KINDS[name], **{key: value for key, value in narrowed.items() if value is not None}}
    click.echo(_cluster().handle.put(**settings))


@faults.command()
@click.argument("fault")
def count(fault: str) -> None:
    """Print how often a fault in force has been met."""
    click.echo(_named(_cluster().handle.faults(), fault)[fault]["applied"])


@faults.command()
@click.argument("fault", required=False)
def clear(fault: str | None) -> None:
    """Take a fault back, or all of them, and print how often each was met."""
    handle = _cluster().handle
    in_force = handle.faults()
    for each in _named(in_force, fault) if fault else in_force:
        click.echo(f"{each}: {handle.take_back(each)}")


def _named(in_force: Mapping[str, dict[str, Any]], fault: str) -> dict[str, dict[str, Any]]:
    """Return the fault of that id alone, from those in force."""
    if fault not in in_force:
        raise click.ClickException(f"there is no fault {fault}; dsql-local status tells those in force")
    return {fault: in_force[fault]}


def _told(fault: Mapping[str, Any]) -> str:
    narrowed = (f"{name} {fault[name]}" for name in ("role", "table") if fault[name])
    often = "always" if fault["times"] is None else f"{fault['times']} times"
    return ", ".join([f"{fault['action']} at {fault['at']}", *narrowed, often, f"met {fault['applied']}"])
