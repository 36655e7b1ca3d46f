"""One execution environment: a process of AWS's runtime client, its Runtime API, and the invocation that it runs."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping

from pytest_dsql.local.functions.environments.journal import InvocationJournal
from pytest_dsql.local.functions.environments.logs import Output, Stream
from pytest_dsql.local.functions.environments.runtime_api import Connection
from pytest_dsql.local.functions.environments.variables import of_environment
from pytest_dsql.local.functions.fork.zygotes import Zygote, kill
from pytest_dsql.local.functions.invoke import completions, facts
from pytest_dsql.local.functions.invoke.account import Function, SessionCredentials
from pytest_dsql.local.functions.invoke.completions import Completion, EnvironmentFault
from pytest_dsql.local.functions.invoke.errors import CLOSING, NoEnvironment
from pytest_dsql.local.functions.invoke.requests import Invocation


class InitFailed(Exception):
    """The environment did not come up; ``fault`` says why."""

    def __init__(self, fault: EnvironmentFault) -> None:
        super().__init__(fault.type)
        self.fault = fault


class NotDelivered(Exception):
    """The environment ended before it took the invocation; another one can run it."""


def _ignore(_: "Environment") -> None:
    """Tell nobody."""


class Environment:
    """Starts, runs one invocation at a time, and ends for good at the first fault of its process."""

    def __init__(self, function: Function, stream: Stream, credentials: SessionCredentials) -> None:
        self.function, self.credentials = function, credentials
        self.alive = True
        """Whether it can take another invocation."""
        self.used = 0.0
        """When it became idle, by the loop's clock; its pool's."""
        self.on_end: Callable[[Environment], None] = _ignore
        """Called where its process ends while it is idle."""
        self.on_close: Callable[[Environment], None] = _ignore
        """Called once, when it has been closed."""
        self._journal = InvocationJournal(stream, function)
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._connections: list[Connection] = []
        self._poll: Connection | None = None
        self._current: Invocation | None = None
        self._began: float | None = None
        self._delivered = self._closed = False
        self._pid = 0
        self._server: asyncio.Server | None = None
        self._output: Output | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._init: asyncio.Future[EnvironmentFault | None] = self._loop.create_future()
        self._done: asyncio.Future[Completion] = self._loop.create_future()
        self._task_root = ""

    async def start(self, zygote: Zygote, variables: Mapping[str, str], limit_s: float, phase: str = "init") -> None:
        """Start the process and wait until it asks for work; raise InitFailed, NoEnvironment."""
        self._server = await self._loop.create_server(self._connect, "127.0.0.1", 0)
        address = "{}:{}".format(*self._server.sockets[0].getsockname())
        reading, writing = os.pipe()
        self._task_root = variables["LAMBDA_TASK_ROOT"]
        self._output = Output(reading, self._stream, self._task_root)
        began = time.monotonic()
        try:
            own = of_environment(self.credentials, self._stream.name, address)
            self._pid = await zygote.fork({**variables, **own}, writing, self._exited)
        finally:
            os.close(writing)
        try:
            async with asyncio.timeout(limit_s):
                fault = await self._init
        except TimeoutError:
            fault = completions.timed_out(limit_s)
        if fault:
            self.alive = False
            self._output.drain()
            self._journal.init_failed(fault, time.monotonic() - began, phase)
            raise InitFailed(fault)
        if phase == "init":
            self._journal.init_s = time.monotonic() - began

    @property
    def ready(self) -> bool:
        """Whether it has asked for work, and still lives."""
        return self.alive and self._init.done()

    def _connect(self) -> Connection:
        self._connections.append(Connection(self))
        return self._connections[-1]

    def begin(self, invocation: Invocation) -> None:
        """Let the invocation's time run from now on."""
        self._stream.tail = [] if invocation.tail else None
        self._journal.start(invocation.request_id)
        self._began = time.monotonic()

    async def invoke(self, invocation: Invocation) -> Completion:
        """Run an invocation; raise NotDelivered where the process ended before it took it."""
        if not self.alive:
            raise NotDelivered
        self._current, self._done = invocation, self._loop.create_future()
        if self._poll:
            self._deliver(self._poll, invocation)
        else:
            self._timer = self._loop.call_later(self.function.timeout_s, self._time_out)
        try:
            return await self._done
        except asyncio.CancelledError:
            self.alive = False
            raise
        finally:
            self._current, self._delivered = None, False
            if self._timer:
                self._timer.cancel()

    def _deliver(self, poll: Connection, invocation: Invocation) -> None:
        self._poll, self._delivered = None, True
        if self._began is None:
            self.begin(invocation)
        left = self.function.timeout_s - (time.monotonic() - (self._began or 0.0))
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_later(left, self._time_out)
        context = f"Lambda-Runtime-Client-Context: {invocation.context}\r\n" if invocation.context else ""
        poll.deliver(
            f"Lambda-Runtime-Aws-Request-Id: {invocation.request_id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {int((time.time() + left) * 1000)}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {invocation.arn}\r\n"
            f"Lambda-Runtime-Trace-Id: {invocation.trace}\r\n{context}",
            invocation.payload,
        )

    def polled(self, connection: Connection) -> None:
        """Hand over what waits to be run, or remember who asked."""
        if not self._init.done():
            self._init.set_result(None)
        if self._current and not self._delivered:
            self._deliver(connection, self._current)
        else:
            self._poll = connection

    def lost(self, connection: Connection) -> None:
        """Forget who asked for work, if they are gone."""
        if self._poll is connection:
            self._poll = None

    def responded(self, request_id: str, payload: bytes) -> int:
        """End the invocation with the function's answer."""
        return self._finish(request_id, Completion(payload), 202)

    def failed(self, request_id: str, payload: bytes) -> int:
        """End the invocation with the error that the function raised."""
        return self._finish(request_id, Completion(self._told(payload), failed=True), 202)

    def overflowed(self, request_id: str) -> int:
        """End the invocation: its answer was too large. The client exits when it is told so."""
        self.alive = False
        fault = EnvironmentFault(facts.RESPONSE_TOO_LARGE, facts.RESPONSE_TOO_LARGE_TEXT)
        return self._finish(request_id, fault.completion(request_id), 413)

    def init_failed(self, payload: bytes) -> int:
        """Hear from the client that the function could not be started."""
        if self._init.done():
            return 400
        self._init.set_result(completions.init_error(self._told(payload)))
        return 202

    def _told(self, payload: bytes) -> bytes:
        """Return an account of an error with the task root where it is on Lambda."""
        return payload.replace(self._task_root.encode(), facts.TASK_ROOT.encode())

    def _time_out(self) -> None:
        self.end(completions.timed_out(self.function.timeout_s))

    def end(self, fault: EnvironmentFault) -> None:
        """End the process in the midst of an invocation, whose caller is told of this; nothing where it runs none."""
        if not self._current or self._done.done():
            return
        self.kill()
        self._fail(self._current, fault)

    def kill(self) -> None:
        """End the process at once; an invocation that it runs fails, and it gets no other."""
        self.alive = False
        if self._pid:
            kill(self._pid)

    def _exited(self, status: int) -> None:
        self._pid, self.alive = 0, False
        fault = completions.exited(status)
        if not self._init.done():
            self._init.set_result(fault)
        elif self._current and not self._done.done():
            self._fail(self._current, fault)
        elif not self._closed:
            self.on_end(self)

    def _fail(self, invocation: Invocation, fault: EnvironmentFault) -> None:
        """End the invocation for want of a process, unless another one can have it."""
        if self._delivered:
            self._finish(invocation.request_id, fault.completion(invocation.request_id), 202)
        else:
            self._done.set_exception(NotDelivered)

    def _finish(self, request_id: str, outcome: Completion, status: int) -> int:
        """End the invocation; return the status of the answer to the client, 400 where it means another one."""
        current = self._current
        if not current or current.request_id != request_id or self._done.done():
            return 400
        self.conclude(current, outcome)
        self._done.set_result(outcome)
        return status

    def conclude(self, invocation: Invocation, outcome: Completion) -> None:
        """Write the end of an invocation to the log, after all that the function has printed."""
        if self._output:
            self._output.drain()
        if self._pid:
            self._journal.sample(self._pid)
        self._journal.end(invocation.request_id, outcome, time.monotonic() - (self._began or time.monotonic()))
        self._began = None
        if invocation.tail:
            invocation.log = self._stream.end_of_log()

    def close(self) -> None:
        """End the process, and what belongs to it; an invocation that it runs fails."""
        if self._closed:
            return
        self.kill()
        self._closed = True
        if self._current and not self._done.done():
            self._done.set_exception(NoEnvironment(CLOSING))
        if self._output:
            self._output.drain()
            self._output.close()
        if self._server:
            self._server.close()
        for connection in self._connections:
            connection.close()
        self.on_close(self)
