"""The stand-in as a target: start one, or attach to one that runs."""

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

import boto3
from botocore.config import Config

from infra.bundle import Platform
from infra.cloud import CONFIG, CloudError

ROOT: Final = Path(__file__).parent.parent.parent
STATE: Final = Path(os.environ.get("DSQL_STATE_DIR", ROOT / ".stand-in")) / "state.json"
COMMAND: Final = (sys.executable, "-m", "infra.local")
STOP_LIMIT_S: Final = 30
NOT_RUNNING: Final = "no stand-in is running; start one with: python -m infra up --detach"


class LocalCloud:
    """The stand-in, by the variables that reach it; where it was started here it ends with ``close``."""

    target = "local"
    settle_s = 5.0

    def __init__(self, environment: dict[str, str], process: "subprocess.Popen[str] | None" = None) -> None:
        self.environment, self._process = environment, process
        self.region = environment["AWS_REGION"]
        self._session = boto3.Session(
            environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name=self.region
        )

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

    def client(self, service: str, config: Config = CONFIG) -> Any:
        """Return a boto3 client."""
        return self._session.client(service, endpoint_url=self.environment["AWS_ENDPOINT_URL"], config=config)

    @property
    def platform(self) -> Platform:
        """This machine."""
        machine = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
        return Platform(machine=machine, local=True)

    def describe(self) -> str:
        """Return where it listens."""
        return f"stand-in on this machine, {self.environment['AWS_ENDPOINT_URL']}, region {self.region}"

    @contextlib.contextmanager
    def paced(self, host: str, commit_s: float) -> Iterator[str]:
        """Delay every COMMIT: PostgreSQL on this machine commits in a fraction of what a Region-wide service takes."""
        from infra.local.control import Handle

        handle = Handle(self.environment["DSQL_CONTROL"], host.partition(".")[0])
        with handle.fault("delay", seconds=commit_s, times=None):
            yield f"delayed by {commit_s * 1000:g} ms, to imitate the service's"

    def close(self) -> None:
        """End the stand-in where it was started here."""
        if self._process is not None:
            end(self._process)
            self._process = None


def launch(what: str, *options: str) -> tuple["subprocess.Popen[str]", dict[str, str]]:
    """Start a stand-in, ``cloud`` or ``dsql``, that ends when our end of a pipe does.

    Returns its process and the variables that reach it; raises CloudError.
    """
    command = [*COMMAND, what, "--json", "--until-eof", *options]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        end(process)
        raise CloudError("the stand-in did not start; its words are above")
    return process, json.loads(line)


def detach(*options: str) -> dict[str, str]:
    """Start a stand-in that outlives this process, and leave word of it; raise CloudError."""
    STATE.parent.mkdir(mode=0o700, exist_ok=True)
    with os.fdopen(os.open(STATE.with_name("log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as log:
        process = subprocess.Popen(
            [*COMMAND, "cloud", "--json", *options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise CloudError(f"the stand-in did not start: {STATE.with_name('log').read_text().strip()}")
    process.returncode = 0  # it is nobody's child from here on
    environment: dict[str, str] = json.loads(line)
    write_state(environment, process.pid)
    return environment


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
    while read_state() is not None:
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
        os.kill(known["pid"], 0)
    except (OSError, ValueError, KeyError):
        return None
    return known


def write_state(environment: dict[str, str], pid: int, state: Path = STATE) -> None:
    """Leave word of a running stand-in, readable by its owner alone: the keys in it open it."""
    state.parent.mkdir(mode=0o700, exist_ok=True)
    part = state.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"pid": pid, "environment": environment}, file)
    part.replace(state)
