"""A process that has a function's libraries loaded, and becomes an execution environment by forking.

Run as a program, by its path, with the standard library alone: ``zygote.py CHANNEL TASK_ROOT BELOW HANDLER [plain]``.
CHANNEL is the descriptor of a socket. Each byte that comes over it brings two descriptors, a file with the new
environment's variables (JSON) and where it prints to. What goes back are lines: ``ready``, ``forked PID``,
``exited PID STATUS`` (a signal's number negative). When the other end closes, all of them end.

BELOW are the folders, joined as PATH's are, in which modules are looked for that the task root does not have. What is
loaded before the fork are the distributions that the zip has installed (``*.dist-info``), never the handler's own
package; the runtime client and the handler's module are imported after it. ``plain`` loads nothing.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import site
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PR_SET_PDEATHSIG: Final = 1
COMMAND_DESCRIPTORS: Final = 2


def main(channel: socket.socket, task_root: str, below: str, handler: str, mode: str = "") -> None:
    """Fork on demand; return in a forked process only."""
    started_with = dict(os.environ)
    # What `site` would have added, had it been allowed to look for installed packages.
    site.setquit()
    site.setcopyright()
    site.sethelper()
    sys.path[:] = [task_root, *sys.path, *below.split(os.pathsep)]
    if mode != "plain":
        preload(Path(task_root), handler.partition(".")[0].partition("/")[0])
        if has_threads():
            # A thread does not survive the fork, and what it held stays locked: start again without the libraries.
            arguments = [__file__, str(channel.fileno()), task_root, below, handler, "plain"]
            os.set_inheritable(channel.fileno(), True)  # noqa: FBT003 - the standard library's own
            os.execve(sys.executable, [sys.executable, "-P", "-s", "-S", *arguments], started_with)  # noqa: S606
    sys.argv[:] = ["", handler]
    gc.collect()
    # The collector leaves what is loaded alone, so that its pages stay shared.
    gc.freeze()
    serve(channel)


def preload(task_root: Path, but: str) -> None:
    """Import the packages of the installed distributions; those that fail, fail again where the function runs."""
    for name in sorted({name for folder in task_root.glob("*.dist-info") for name in packages(folder)} - {but}):
        before = set(sys.modules)
        try:
            importlib.import_module(name)
        except (Exception, SystemExit):  # noqa: BLE001 - whatever it raises, it will raise again in the environment
            for added in set(sys.modules) - before:
                del sys.modules[added]


def packages(distribution: Path) -> Iterator[str]:
    """Yield the names that a distribution's RECORD puts at the top."""
    record = distribution / "RECORD"
    for line in record.read_text().splitlines() if record.exists() else ():
        first, _, rest = line.split(",")[0].strip('"').partition("/")
        if rest == "__init__.py" or (not rest and first.endswith((".py", ".so"))):
            name = first.partition(".")[0]
            if name.isidentifier():
                yield name


def has_threads() -> bool:
    """Whether anything but the main thread runs, native threads included where the system tells."""
    tasks = Path("/proc/self/task")
    return threading.active_count() > 1 or (tasks.exists() and len(list(tasks.iterdir())) > 1)


def serve(channel: socket.socket) -> None:
    """Fork on demand; end with everything forked when the channel closes; return in a forked process."""
    woken, wake = wake_on_exit()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    running: set[int] = set()
    descriptors: list[int] = []
    poll = watch(channel, woken)
    say(channel, "ready")
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if woken.fileno() in ready:
            woken.recv(4096)
            reap(channel, running)
        if channel.fileno() in ready:
            descriptors = told(channel)
            if not descriptors:
                end_all(running)
            pid = os.fork()
            if not pid:
                break
            running.add(pid)
            for descriptor in descriptors:
                os.close(descriptor)
            say(channel, f"forked {pid}")
    signal.set_wakeup_fd(-1)
    for inherited in (channel, woken, wake):
        inherited.close()
    become(*descriptors, libc=libc)


def watch(*sockets: socket.socket) -> select.poll:
    """Return what waits until one of them can be read; unlike select.select, also where they have high numbers."""
    poll = select.poll()
    for each in sockets:
        poll.register(each, select.POLLIN)
    return poll


def wake_on_exit() -> tuple[socket.socket, socket.socket]:
    """Return a socket that can be read after a forked process has ended, and its other end."""
    woken, wake = socket.socketpair()
    for end in (woken, wake):
        end.settimeout(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    return woken, wake


def told(channel: socket.socket) -> list[int]:
    """Return the descriptors that a command brings, none where the channel is closed."""
    try:
        return list(socket.recv_fds(channel, 1, COMMAND_DESCRIPTORS)[1])
    except OSError:
        return []


def say(channel: socket.socket, line: str) -> None:
    """Report; where nobody listens any more, the next read of the channel says so."""
    with contextlib.suppress(OSError):
        channel.sendall(f"{line}\n".encode())


def reap(channel: socket.socket, running: set[int]) -> None:
    """Report the forked processes that ended."""
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        running.discard(pid)
        say(channel, f"exited {pid} {os.waitstatus_to_exitcode(status)}")


def end_all(running: set[int]) -> None:
    """End the forked processes, what they started, and this one."""
    for pid in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    # Those that did not yet have a group of their own.
    for pid in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    os._exit(0)


def become(variables: int, output: int, *, libc: ctypes.CDLL | None) -> None:
    """Turn the forked process into an execution environment: its own group, output and variables."""
    parent = os.getppid()
    os.setsid()
    if libc:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    with os.fdopen(variables) as file:
        values = json.load(file)
    os.environ.clear()
    os.environ.update(values)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), *sys.argv[2:])
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
