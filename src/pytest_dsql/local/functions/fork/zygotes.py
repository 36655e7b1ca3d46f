"""Our end of a zygote: starting it, having it fork, hearing of what ended."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pytest_dsql.local.functions.invoke.errors import NoEnvironment

PROGRAM: Final = Path(__file__).parent / "zygote.py"
START_LIMIT_S: Final = 30.0
"""Libraries that take longer are not preloaded."""
STOP_LIMIT_S: Final = 5.0
PYTHON: Final = str(getattr(sys, "_base_executable", "") or sys.executable)
"""The interpreter without our virtual environment."""

OnExit = Callable[[int], None]
"""Called with an exit status, a signal's number negative."""


class Zygote:
    """One process that forks execution environments of one function."""

    def __init__(self, task_root: Path, below: Sequence[Path], handler: str, variables: Mapping[str, str]) -> None:
        """``below`` are the folders in which modules are looked for that the task root does not have."""
        self.environments = 0
        """How many environments use it; counted by their owner."""
        self.alive = True
        self._arguments = [str(task_root), os.pathsep.join(map(str, below)), handler]
        self._task_root, self._variables = task_root, variables
        self._partial = b""
        self._asked: deque[tuple[asyncio.Future[int], OnExit]] = deque()
        self._running: dict[int, OnExit] = {}
        self._loop = asyncio.get_running_loop()

    async def start(self) -> None:
        """Load the libraries; where that ends the process or takes too long, go without. Raise NoEnvironment."""
        for mode in ([], ["plain"]):
            self._launch(mode)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(START_LIMIT_S):
                    if await self._ready:
                        return
            await self.close()
        raise NoEnvironment("the process that forks execution environments did not start")

    def _launch(self, mode: list[str]) -> None:
        self._ready: asyncio.Future[bool] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._channel, theirs = socket.socketpair()
        with theirs:
            # -P, -s, -S: neither this folder nor any installed package can be imported. PYTHON… variables of the
            # function keep their meaning.
            self._process = subprocess.Popen(
                [PYTHON, "-P", "-s", "-S", str(PROGRAM), str(theirs.fileno()), *self._arguments, *mode],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=self._task_root,
                env=dict(self._variables),
                start_new_session=True,
            )
        self.alive = True
        self._channel.settimeout(0)
        self._loop.add_reader(self._channel.fileno(), self._read)

    async def fork(self, variables: Mapping[str, str], output: int, on_exit: OnExit) -> int:
        """Return the id of a new environment's process, which prints to ``output``; raise NoEnvironment."""
        forked: asyncio.Future[int] = self._loop.create_future()
        with tempfile.TemporaryFile() as file:
            file.write(json.dumps(dict(variables)).encode())
            file.seek(0)
            try:
                socket.send_fds(self._channel, [b"f"], [file.fileno(), output])
            except OSError as error:
                raise NoEnvironment(f"the process that forks execution environments is gone: {error}") from error
        self._asked.append((forked, on_exit))
        return await forked

    def _read(self) -> None:
        try:
            data = self._channel.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._hear(*line.decode().split())

    def _hear(self, what: str, pid: str = "", status: str = "") -> None:
        if what == "ready":
            self._ready.set_result(True)
        elif what == "forked":
            forked, on_exit = self._asked.popleft()
            self._running[int(pid)] = on_exit
            if forked.done():
                kill(int(pid))
            else:
                forked.set_result(int(pid))
        elif int(pid) in self._running:
            self._running.pop(int(pid))(int(status))

    def _end(self) -> None:
        """Clean up after the process; what it forked is gone with it."""
        self.alive = False
        self._loop.remove_reader(self._channel.fileno())
        self._channel.close()
        self._process.kill()
        self._process.wait(STOP_LIMIT_S)
        if not self._ready.done():
            self._ready.set_result(False)
        while self._asked:
            forked, _ = self._asked.popleft()
            if not forked.done():
                forked.set_exception(NoEnvironment("the process that forks execution environments ended"))
        running, self._running = self._running, {}
        for on_exit in running.values():
            on_exit(-signal.SIGKILL)
        self._ended.set_result(None)

    async def close(self) -> None:
        """End the process and all it forked."""
        if self.alive:
            self.alive = False
            self._channel.shutdown(socket.SHUT_WR)
            if not self._ready.done():
                # It is busy with a library and would not hear.
                self._process.kill()
        if not self._ended.done():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_LIMIT_S):
                    await asyncio.shield(self._ended)
                return
            self._end()


def kill(pid: int) -> None:
    """End an environment's process and what it started, if it still runs."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
