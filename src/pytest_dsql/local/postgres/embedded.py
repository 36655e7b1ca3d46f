"""Owner of one embedded PostgreSQL: makes it, says where it listens, and removes it when its own stdin closes.

Run as a program of its own, in its own session, so that the server ends with whoever asked for it, also where that
process is interrupted or killed. A server that ends by itself is started again on its data. It speaks JSON on stdout,
one line: ``{"socket": …}`` or ``{"error": …}``; what goes wrong later is said on stderr. It uses the standard library
alone, to be up in milliseconds.
"""

import contextlib
import json
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

START_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 10.0
UNPRIVILEGED: Final = "nobody"
"""PostgreSQL refuses to run as root; root runs it as this user."""

MEMORY: Final = "/dev/shm"  # noqa: S108 - a folder of its own is made in it
ROOM: Final = 4 * 1024**3
"""How many bytes have to be free there."""

DISPOSABLE: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",
    "wal_writer_flush_after": "0",
}
"""For a server whose data ends with it: nothing is flushed to the disk. What is committed is with the system, so it
outlives the server's processes."""
SETTINGS: Final = {
    "autovacuum_naptime": "5s",
    "max_connections": "500",
    "update_process_title": "off",
    "wal_buffers": "512kB",
}
"""Many functions connect at once; what short transactions leave behind is swept up soon. The log's buffers fit into a
processor's cache, and every process touches all of them."""


LEFT_OVER: Final = "pre-existing shared memory block"
"""What a server says that meets processes of the one before."""
IN_USE: Final = 'lock file "postmaster.pid" already exists'
"""What a server says that meets one that runs."""
LOOK_S: Final = 0.1
"""How often is looked whether the server still runs."""


class StartError(Exception):
    """The server did not come up; the text is what it said last."""


def main(binaries: Path, data: Path | None = None) -> int:
    """Serve until stdin closes; 0 where the server came up and was removed, 1 where it did not come up.

    ``data`` is a folder that outlives the server and is used again; then commits are flushed to disk.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    where = None if data else _memory()
    with tempfile.TemporaryDirectory(prefix="dsql-postgres-", ignore_cleanup_errors=True, dir=where) as folder:
        say = _say
        try:
            server = _Server(binaries, Path(folder), data)
            with contextlib.closing(server):
                server.start()
                _say({"socket": folder})
                say = _complain
                _watch(server)
        except (StartError, OSError) as error:
            say({"error": str(error)})
            return 1
    return 0


def _complain(answer: dict[str, str]) -> None:
    print(f"PostgreSQL does not run: {answer['error']}", file=sys.stderr, flush=True)


def _watch(server: "_Server") -> None:
    """Start the server again whenever it ends, until stdin closes; raise StartError."""
    while not select.select([sys.stdin], [], [], LOOK_S)[0]:
        if server.has_ended():
            server.start()


def _memory() -> str | None:
    """Return the machine's file system in memory where there is room in it and nobody has said where to go.

    To make a file may take a disk a hundred times as long, and a database is some 300 files.
    """
    with contextlib.suppress(OSError):
        if "TMPDIR" not in os.environ and shutil.disk_usage(MEMORY).free >= ROOM:
            return MEMORY
    return None


def _say(answer: dict[str, str]) -> None:
    # The asker may be gone already; the folder is to be removed all the same.
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(answer), flush=True)


class _Server:
    """The server's process, on data in ``folder`` or in ``kept``. Made anew, its layout is made, too."""

    def __init__(self, binaries: Path, folder: Path, kept: Path | None) -> None:
        self._identity = _unprivileged(folder, kept)
        if self._identity:
            binaries = _reachable(binaries, folder)
        self._data, self._log, self._kept = kept or folder / "data", folder / "log", kept is not None
        if not (self._data / "PG_VERSION").exists():
            layout = ["-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
            _run([str(binaries / "bin" / "initdb"), *layout, "--no-sync", "--no-instructions"], **self._identity)
        options = {"listen_addresses": "", "unix_socket_directories": str(folder), **SETTINGS}
        if kept is None:
            options |= DISPOSABLE
        settings = (f"--{key}={options[key]}" for key in options)
        self._command = [str(binaries / "bin" / "postgres"), "-D", str(self._data), *settings]
        self._process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        """Start it, and wait until it takes connections; raise StartError.

        One that was killed may leave processes that are still at work on the data: it is tried again until they end.
        """
        until = time.monotonic() + START_LIMIT_S
        while True:
            with self._log.open("wb") as output:
                said: dict[str, Any] = {"stdout": output, "stderr": output, **self._identity}
                self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, **said)
            try:
                return _wait_until_ready(self._process, self._data / "postmaster.pid", self._log)
            except StartError as error:
                if IN_USE in str(error):
                    raise StartError(f"the data in {self._data} is in use by another server") from None
                if LEFT_OVER not in str(error) or time.monotonic() > until:
                    raise
            select.select([], [], [], LOOK_S)

    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return self._process is not None and self._process.poll() is not None

    def close(self) -> None:
        """End it: at once where its data goes with it, with a checkpoint where the data is kept."""
        if self._process:
            _stop(self._process, signal.SIGINT if self._kept else signal.SIGQUIT)


def _run(command: list[str], **identity: Any) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=START_LIMIT_S,
        check=False,
        **identity,
    )
    if done.returncode:
        raise StartError(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")


def _unprivileged(folder: Path, kept: Path | None) -> dict[str, Any]:
    """Return the arguments that make subprocess leave root, none where we are not root; give the folders away."""
    if kept:
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(UNPRIVILEGED)
    for owned in (folder, kept):
        if owned:
            os.chown(owned, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": folder}


def _reachable(binaries: Path, folder: Path) -> Path:
    """Return binaries that every user can run: a copy where a folder above them is closed to others.

    The wheel's programs find their libraries beside the package, so the copy keeps that layout.
    """
    if all(parent.stat().st_mode & 0o001 for parent in binaries.resolve().parents):
        return binaries
    package, copy = binaries.parent, folder / "site-packages"
    shutil.copytree(binaries, copy / package.name / binaries.name, ignore=shutil.ignore_patterns("include", "*.a"))
    libraries = f"{package.name}.libs"
    if (package.parent / libraries).exists():
        shutil.copytree(package.parent / libraries, copy / libraries)
    return copy / package.name / binaries.name


def _wait_until_ready(process: subprocess.Popen[Any], pid_file: Path, log: Path) -> None:
    """Watch for the last line that the server writes to its pid file once it takes connections."""
    ticks = int(START_LIMIT_S / 0.02)
    for _ in range(ticks):
        if process.poll() is not None:
            raise StartError(log.read_text(errors="replace").strip())
        with contextlib.suppress(FileNotFoundError):
            lines = pid_file.read_text().splitlines()
            # A server that was killed has left its file behind.
            if lines[:1] == [str(process.pid)] and lines[-1] == "ready   ":
                return
        select.select([], [], [], 0.02)
    raise StartError(f"the server was not ready within {START_LIMIT_S:.0f} s")


def _stop(process: subprocess.Popen[Any], how: signal.Signals) -> None:
    process.send_signal(how)
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_LIMIT_S)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
