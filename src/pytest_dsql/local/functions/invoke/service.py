"""AWS Lambda's Invoke, for functions whose configuration somebody else holds."""

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pytest_dsql.local.functions.environments.environment import Environment, NotDelivered
from pytest_dsql.local.functions.environments.folders import Folders
from pytest_dsql.local.functions.environments.launcher import ColdStartFailed, EnvironmentLimits, Launcher
from pytest_dsql.local.functions.environments.logs import Logs
from pytest_dsql.local.functions.environments.pool import Pool
from pytest_dsql.local.functions.environments.revisions import Revisions
from pytest_dsql.local.functions.invoke import completions, facts, requests
from pytest_dsql.local.functions.invoke.account import Function, FunctionAccount
from pytest_dsql.local.functions.invoke.completions import Completion
from pytest_dsql.local.functions.invoke.concurrency import Concurrency
from pytest_dsql.local.functions.invoke.disturbances import Disturbance, Disturbances
from pytest_dsql.local.functions.invoke.errors import ServiceError
from pytest_dsql.local.functions.invoke.events import Events
from pytest_dsql.local.functions.invoke.requests import Invocation
from pytest_dsql.local.http import Request, Response

ENVIRONMENTS: Final = 16 * (os.cpu_count() or 1)
"""How many execution environments the machine carries: a function waits for its database most of the time, so several
for each core keep it busy; each one costs some 20 MB."""


_CAUSES: Final[dict[str, Callable[[Environment], None]]] = {
    "killed": Environment.kill,
    "memory": lambda environment: environment.end(completions.out_of_memory()),
    "time": lambda environment: environment.end(completions.timed_out(environment.function.timeout_s)),
}
"""Why an environment may be killed, by names that a test has for it."""


class Lambda:
    """Invocations of an account's functions. Everything it makes on disk is below ``folder``, a folder of its own.

    It is used on one event loop.
    """

    def __init__(
        self,
        account: FunctionAccount,
        folder: Path,
        *,
        environments: int = ENVIRONMENTS,
        retry_delays_s: tuple[float, ...] = facts.EVENT_RETRY_DELAYS_S,
        init_limit_s: float = facts.INIT_LIMIT_S,
    ) -> None:
        self._account = account
        self._folders = Folders(folder)
        self._logs = Logs(account.write_logs)
        self._revisions = Revisions()
        self._concurrency = Concurrency(account)
        self._pool = Pool(environments, self._revisions)
        self._at_work = set[Environment]()
        self._disturbances = Disturbances()
        limits = EnvironmentLimits(environments, init_limit_s)
        self._launcher = Launcher(account, self._folders, self._logs, self._revisions, limits)
        self._events = Events(account.function, self._run, retry_delays_s)

    async def invoke(self, request: Request) -> Response:
        """Answer ``POST /2015-03-31/functions/{reference}/invocations``."""
        request_id = requests.new_id()
        try:
            return await self._invoke(request, request_id)
        except ServiceError as error:
            return error.response(request_id)

    async def _invoke(self, request: Request, request_id: str) -> Response:
        target = requests.target(request)
        function = self._account.function(target.reference, target.qualifier)
        arn = f"{function.arn}:{target.qualifier}" if target.qualifier else function.arn
        invocation = requests.invocation(request, target.type, request_id, arn)
        headers = {"x-amzn-RequestId": request_id, "X-Amzn-Trace-Id": invocation.trace}
        if target.type == "DryRun":
            return Response(204, headers=headers)
        if target.type == "Event":
            self._events.add(target, invocation)
            return Response(202, headers=headers)
        disturbance = self._disturbances.take(function.name)
        if disturbance:
            await disturbance.before()
        outcome = await self._run(function, invocation)
        if disturbance:
            disturbance.after()
        headers["X-Amz-Executed-Version"] = function.version
        headers["Content-Type"] = "application/json"
        if outcome.failed:
            headers["X-Amz-Function-Error"] = "Unhandled"
        if invocation.tail:
            headers["X-Amz-Log-Result"] = base64.b64encode(invocation.log).decode()
        return Response(body=outcome.payload, headers=headers)

    async def _run(self, function: Function, invocation: Invocation) -> Completion:
        """Run an invocation to its end; raise Throttled, NoEnvironment, InvalidZip."""
        self._concurrency.enter(function)
        try:
            while True:
                try:
                    return await self._run_in_place(function, invocation)
                except NotDelivered:
                    continue
                except ColdStartFailed as failed:
                    return failed.outcome
        finally:
            self._concurrency.leave(function)

    async def _run_in_place(self, function: Function, invocation: Invocation) -> Completion:
        place = await self._pool.acquire(function)
        try:
            if place is None:
                place = await self._launcher.launch(function, invocation)
            self._at_work.add(place)
            return await place.invoke(invocation)
        finally:
            if place:
                self._at_work.discard(place)
            self._pool.release(place)

    def kill(self, function: str, number: int, cause: str = "killed") -> int:
        """Kill environments of a function that run an invocation, so many at most; return how many there were.

        ``cause`` is what callers are told: ``killed``, ``memory`` or ``time``; raise ValueError for any other.
        """
        if cause not in _CAUSES:
            raise ValueError(f"cause: there is no {cause}; there are {', '.join(_CAUSES)}")
        busy = [place for place in self._at_work if place.function.name == function][:number]
        for environment in busy:
            _CAUSES[cause](environment)
        return len(busy)

    def disturb(self, function: str, action: str | None, times: int = 1, seconds: float = 0.0) -> int:
        """Have the next callers of a function disturbed, or no more; return how often it was done so far.

        Raises ValueError where there is no such action.
        """
        return self._disturbances.put(function, Disturbance(action, times, seconds) if action else None)

    def forget(self, arn: str) -> None:
        """Let go of what a deleted function has here, by its unqualified ARN."""
        for key in self._revisions.forget(arn):
            self._pool.retire(key)
        self._concurrency.forget(arn)
        self._launcher.sweep()

    async def close(self) -> None:
        """End every process, close every socket, write the logs, remove the files."""
        await self._events.close()
        self._pool.close()
        await self._launcher.close()
        self._logs.flush()
        await self._folders.close()
