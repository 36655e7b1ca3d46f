"""The stand-in as a target: start one, or attach to one that runs."""

import contextlib
import functools
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

import boto3

from infra.bundle import Platform
from infra.cloud import Clients, CloudError
from infra.local.folder import private

if TYPE_CHECKING:
    from infra.local.handle import Handle

ROOT: Final = Path(__file__).parent.parent.parent
STATE: Final = Path(os.environ.get("DSQL_STATE_DIR", ROOT / ".stand-in")) / "state.json"
COMMAND: Final = (sys.executable, "-m", "infra.local")
STOP_LIMIT_S: Final = 30
ENDED: Final = frozenset("ZX")
"""Zombie and dead (proc(5))."""
NOT_RUNNING: Final = "no stand-in is running; start one with: python -m infra up --detach"


class LocalCloud:
    """The stand-in, by the variables that reach it; where it was started here it ends with ``close``."""

    target = "local"
    settle_s = 5.0

    def __init__(self, environment: dict[str, str], process: "subprocess.Popen[str] | None" = None) -> None:
        self.environment, self._process = environment, process
        self.passing = process is not None
        self.region = environment["AWS_REGION"]
        session = boto3.Session(
            environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name=self.region
        )
        clients = Clients(session, environment["AWS_ENDPOINT_URL"])
        self.client, self.credentials = clients.client, clients.credentials

    @classmethod
    def start(cls, *options: str) -> Self:
        """Start a stand-in that ends with this process, however that ends; raise CloudError."""
        process, environment = launch("cloud", *options)
        return cls(environment, process)

    @classmethod
    def running(cls, state: Path = STATE) -> Self:
        """Attach to the one that ``python -m infra up`` started; raise CloudError where there is none."""
        known = read_state(state)
        if known is None:
            raise CloudError(NOT_RUNNING)
        return cls(known["environment"])

    @functools.cached_property
    def account(self) -> str:
        """The stand-in's one account."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def platform(self) -> Platform:
        """This machine."""
        machine = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
        return Platform(machine=machine, local=True)

    def describe(self) -> str:
        """Return where it listens."""
        return f"stand-in on this machine, {self.environment['AWS_ENDPOINT_URL']}, region {self.region}"

    def handle(self, host: str) -> "Handle":
        """Return the handle of the cluster whose endpoint is ``host``."""
        from infra.local.handle import Handle

        return Handle.of(self.environment, host)

    @contextlib.contextmanager
    def paced(self, host: str, commit_s: float) -> Iterator[str]:
        """Delay every COMMIT: PostgreSQL on this machine commits in a fraction of what a Region-wide service takes."""
        with self.handle(host).fault("delay", seconds=commit_s, times=None):
            yield f"delayed by {commit_s * 1000:g} ms, to imitate the service's"

    def close(self) -> None:
        """End the stand-in where it was started here."""
        if self._process is not None:
            end(self._process)
            self._process = None


def launch(what: str, *options: str, stderr: BinaryIO | None = None) -> tuple["subprocess.Popen[str]", dict[str, str]]:
    """Start a stand-in, ``cloud`` or ``dsql``, that ends when our end of a pipe does.

    Returns its process and the variables that reach it; raises CloudError. Its words go to ``stderr``, else to ours.
    """
    process, environment = _begin(what, "--until-eof", *options, stdin=subprocess.PIPE, stderr=stderr)
    if environment is None:
        end(process)
        raise CloudError("the stand-in did not start; its words are above")
    return process, environment


def detach(*options: str) -> dict[str, str]:
    """Start a stand-in that outlives this process, and leave word of it; raise CloudError."""
    STATE.parent.mkdir(mode=0o700, exist_ok=True)
    with private(STATE.with_name("log")) as log:
        process, environment = _begin("cloud", *options, stdin=subprocess.DEVNULL, stderr=log)
    if environment is None:
        end(process)
        raise CloudError(f"the stand-in did not start: {STATE.with_name('log').read_text().strip()}")
    process.returncode = 0  # it is nobody's child from here on
    if process.stdout:
        process.stdout.close()
    write_state(environment, process.pid)
    return environment


def _begin(
    *arguments: str, stdin: int, stderr: BinaryIO | None = None
) -> tuple["subprocess.Popen[str]", dict[str, str] | None]:
    """Start a stand-in; return its process and the variables that reach it, None where it did not come up."""
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--json"],
        cwd=ROOT,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        start_new_session=True,
    )
    line = process.stdout.readline() if process.stdout else ""
    return process, json.loads(line) if line else None


@contextlib.contextmanager
def foreground(*options: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, str]]]:
    """Run a stand-in as long as the block does, and leave word of it meanwhile; raise CloudError."""
    process, environment = launch("cloud", *options)
    write_state(environment, process.pid)
    try:
        yield process, environment
    except KeyboardInterrupt:
        pass
    finally:
        end(process)
        STATE.unlink(missing_ok=True)


def stop() -> None:
    """End the stand-in that runs, and wait until it has tidied up; raise CloudError where none runs."""
    known = read_state()
    if known is None:
        raise CloudError(NOT_RUNNING)
    os.kill(known["pid"], signal.SIGTERM)
    until = time.monotonic() + STOP_LIMIT_S
    while runs(known["pid"]):
        if time.monotonic() > until:
            raise CloudError(f"the stand-in, process {known['pid']}, does not end")
        time.sleep(0.05)
    STATE.unlink(missing_ok=True)


def end(process: "subprocess.Popen[str]") -> None:
    """Close our end of the pipe and wait until the stand-in has tidied up."""
    process.communicate(timeout=STOP_LIMIT_S)


def read_state(state: Path = STATE) -> dict[str, Any] | None:
    """Return what a running stand-in has left word of, None where none runs."""
    try:
        known: dict[str, Any] = json.loads(state.read_text())
        # After a crash its number may be another process's by now; its folder, and the socket in it, are gone.
        found = runs(known["pid"]) and Path(known["environment"]["DSQL_CONTROL"]).is_socket()
    except (OSError, ValueError, KeyError):
        return None
    return known if found else None


def runs(pid: int) -> bool:
    """Return whether a process runs: one that has ended may wait long, or for ever, for its parent to look."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return status not in ENDED


def write_state(environment: dict[str, str], pid: int, state: Path = STATE) -> None:
    """Leave word of a running stand-in, readable by its owner alone: the keys in it open it."""
    state.parent.mkdir(mode=0o700, exist_ok=True)
    part = state.with_suffix(".part")
    with private(part) as file:
        file.write(json.dumps({"pid": pid, "environment": environment}).encode())
    part.replace(state)
