"""A stand-in as a process: started for as long as its user runs, or left in the background."""

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import BinaryIO, Final

from pytest_dsql.link import version
from pytest_dsql.link.folder import private
from pytest_dsql.link.state import State, runs

START_LIMIT_S: Final = 60
STOP_LIMIT_S: Final = 30
NOT_RUNNING: Final = "no stand-in is running"

Started = tuple["subprocess.Popen[str]", dict[str, str]]


class StandInError(Exception):
    """The stand-in cannot be started, found or ended; the text says why."""


def launch(what: str, *options: str, stderr: BinaryIO | None = None) -> Started:
    """Start a stand-in, ``cloud`` or ``dsql``, that ends when our end of a pipe does.

    Returns its process and the variables that reach it; raises StandInError. Its words go to ``stderr``, else to ours.
    """
    process, environment = _begin(what, "--until-eof", *options, stdin=subprocess.PIPE, stderr=stderr)
    if environment is None:
        end(process)
        raise StandInError("the stand-in did not start; its words are above")
    return process, environment


def detach(state: State, what: str, *options: str) -> dict[str, str]:
    """Start a stand-in that outlives this process, and leave word of it; raise StandInError."""
    state.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with private(state.log) as log:
        process, environment = _begin(what, *options, stdin=subprocess.DEVNULL, stderr=log)
    if environment is None:
        end(process)
        raise StandInError(f"the stand-in did not start: {state.log.read_text().strip()}")
    process.returncode = 0  # it is nobody's child from here on
    if process.stdout:
        process.stdout.close()
    state.write(environment, process.pid)
    return environment


@contextlib.contextmanager
def foreground(state: State, what: str, *options: str) -> Iterator[Started]:
    """Run a stand-in as long as the block does, and leave word of it meanwhile; raise StandInError."""
    process, environment = launch(what, *options)
    state.write(environment, process.pid)
    try:
        yield process, environment
    except KeyboardInterrupt:
        pass
    finally:
        end(process)
        state.forget()


def stop(state: State) -> None:
    """End the stand-in that runs, and wait until it has tidied up; raise StandInError where none runs."""
    known = state.read()
    if known is None:
        raise StandInError(NOT_RUNNING)
    os.kill(known["pid"], signal.SIGTERM)
    until = time.monotonic() + STOP_LIMIT_S
    while runs(known["pid"]):
        if time.monotonic() > until:
            raise StandInError(f"the stand-in, process {known['pid']}, does not end")
        time.sleep(0.05)
    state.forget()


def end(process: "subprocess.Popen[str]") -> None:
    """Close our end of the pipe and wait until the stand-in has tidied up."""
    process.communicate(timeout=STOP_LIMIT_S)


def _begin(
    *arguments: str, stdin: int, stderr: BinaryIO | None = None
) -> tuple["subprocess.Popen[str]", dict[str, str] | None]:
    """Start a stand-in; return its process and the variables that reach it, None where it did not come up."""
    try:
        command = version.command()
    except version.VersionError as error:
        raise StandInError(str(error)) from None
    process = subprocess.Popen(
        [*command, *arguments, "--json"],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        start_new_session=True,
    )
    line = _first_line(process)
    environment = json.loads(line) if line else None
    try:
        version.check(environment or {version.VERSION: version.version()})
    except version.VersionError as error:
        process.terminate()
        process.communicate(timeout=STOP_LIMIT_S)
        raise StandInError(str(error)) from None
    return process, environment


def _first_line(process: "subprocess.Popen[str]") -> str:
    """Return what it says when it is up; give up one that says nothing."""
    if process.stdout is None or not select.select([process.stdout], [], [], START_LIMIT_S)[0]:
        process.kill()
        process.communicate()
        raise StandInError(f"the stand-in did not start within {START_LIMIT_S} s")
    return process.stdout.readline()
