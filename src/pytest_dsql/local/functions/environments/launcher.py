"""Starting environments: the zygote of their function, credentials, and the second attempt at a failed init."""

import asyncio
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_dsql.local.functions.environments import variables
from pytest_dsql.local.functions.environments.environment import Environment, InitFailed
from pytest_dsql.local.functions.environments.folders import Folders
from pytest_dsql.local.functions.environments.logs import Logs, Stream
from pytest_dsql.local.functions.environments.revisions import Revisions
from pytest_dsql.local.functions.fork.zygotes import Zygote
from pytest_dsql.local.functions.invoke.account import Function, FunctionAccount, Key
from pytest_dsql.local.functions.invoke.completions import Completion
from pytest_dsql.local.functions.invoke.errors import CLOSING, NoEnvironment
from pytest_dsql.local.functions.invoke.requests import Invocation


class ColdStartFailed(Exception):
    """The function could not be started; ``outcome`` is what its caller is told."""

    def __init__(self, outcome: Completion) -> None:
        super().__init__(outcome.status)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class EnvironmentLimits:
    """How many parents there may be without environments of their own, and how long an init may take."""

    parents: int
    init_s: float


@dataclass(frozen=True, slots=True)
class Parent:
    """A zygote, and the variables that all its environments have."""

    zygote: Zygote
    folders: Sequence[Path]
    """Its unpacked zips, to be released."""
    variables: Mapping[str, str]


class Launcher:
    """What starts environments, and owns their parents."""

    def __init__(
        self, account: FunctionAccount, folders: Folders, logs: Logs, revisions: Revisions, limits: EnvironmentLimits
    ) -> None:
        self._account, self._folders, self._logs, self._revisions = account, folders, logs, revisions
        self._limits = limits
        self._parents: dict[Key, asyncio.Task[Parent]] = {}
        self._launching: Counter[Key] = Counter()
        self._environments: set[Environment] = set()
        self._closed = False
        self._closing: set[asyncio.Task[None]] = set()

    async def launch(self, function: Function, invocation: Invocation) -> Environment:
        """Start an environment for an invocation.

        An init that fails or takes too long is tried once more within the invocation's time; where that fails, too,
        the invocation has ended, also in the log: ColdStartFailed. Raises ServiceError where the fault is not the
        function's.
        """
        self._launching[function.key] += 1
        try:
            return await self._launch(function, invocation)
        finally:
            self._launching[function.key] -= 1

    async def _launch(self, function: Function, invocation: Invocation) -> Environment:
        stream = Stream(self._logs, function.log_group, function.version)
        stream.append(f"INIT_START Runtime Version: python:{platform.python_version()}")
        try:
            return await self._start(function, stream, self._limits.init_s, None)
        except InitFailed:
            return await self._start(function, stream, function.timeout_s, invocation)

    async def _start(
        self, function: Function, stream: Stream, limit_s: float, invocation: Invocation | None
    ) -> Environment:
        parent = await self._parent(function)
        environment = Environment(function, stream, self._account.credentials(function.role, function.name))
        self._adopt(environment, parent.zygote)
        try:
            if invocation:
                environment.begin(invocation)
            await environment.start(parent.zygote, parent.variables, limit_s, "invoke" if invocation else "init")
        except BaseException as error:
            if invocation and isinstance(error, InitFailed):
                outcome = error.fault.completion(invocation.request_id)
                environment.conclude(invocation, outcome)
                raise ColdStartFailed(outcome) from error
            raise
        finally:
            if not environment.ready:
                environment.close()
        return environment

    def _adopt(self, environment: Environment, zygote: Zygote) -> None:
        def closed(environment: Environment) -> None:
            self._environments.discard(environment)
            zygote.environments -= 1
            self.sweep()

        zygote.environments += 1
        environment.on_close = closed
        self._environments.add(environment)

    async def _parent(self, function: Function) -> Parent:
        """Return what forks the function's environments, started on first use and where it has died."""
        if self._closed:
            raise NoEnvironment(CLOSING)
        task = self._parents.get(function.key)
        if task is None or _failed(task):
            if task:
                self._discard(task)
            task = self._parents[function.key] = asyncio.create_task(self._start_parent(function))
            self.sweep()
        return await asyncio.shield(task)

    async def _start_parent(self, function: Function) -> Parent:
        folders: list[Path] = []
        try:
            for code in (function.code, *reversed(function.layers)):
                folders += [await self._folders.unpacked(code)]
            task_root, *layers = folders
            runtime = self._folders.runtime
            common = variables.of_function(self._account, function, task_root, runtime, layers)
            zygote = Zygote(task_root, [*_importable(layers), runtime], function.handler, common)
            await zygote.start()
        except BaseException:
            await self._release(folders)
            raise
        return Parent(zygote, folders, common)

    async def _release(self, folders: Iterable[Path]) -> None:
        for folder in folders:
            await self._folders.release(folder)

    def sweep(self) -> None:
        """End the parents that nobody needs: of an outdated revision, or more of them than there may be."""
        unused = [key for key, task in self._parents.items() if not (self._launching[key] or _in_use(task))]
        surplus = len(self._parents) - self._limits.parents
        for key in unused:
            if surplus > 0 or not self._revisions.is_current(key):
                surplus -= 1
                self._discard(self._parents.pop(key))

    async def close(self) -> None:
        """End all environments and their parents."""
        self._closed = True
        for environment in list(self._environments):
            environment.close()
        parents, self._parents = list(self._parents.values()), {}
        await asyncio.gather(*self._closing, *(self._close(task) for task in parents))

    def _discard(self, parent: "asyncio.Task[Parent]") -> None:
        closing = asyncio.create_task(self._close(parent))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _close(self, task: "asyncio.Task[Parent]") -> None:
        [started] = await asyncio.gather(task, return_exceptions=True)
        if isinstance(started, Parent):
            await started.zygote.close()
            await self._release(started.folders)


def _importable(layers: Iterable[Path]) -> Iterator[Path]:
    """Yield where modules of layers are looked for. Source: Lambda's developer guide, "Layer paths", 2026-11."""
    for layer in layers:
        yield layer / "python" / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        yield layer / "python"


def _failed(task: "asyncio.Task[Parent]") -> bool:
    """Whether a parent could not be started, or has died."""
    return task.done() and (task.cancelled() or task.exception() is not None or not task.result().zygote.alive)


def _in_use(task: "asyncio.Task[Parent]") -> bool:
    """Whether a parent has environments, or is about to have one."""
    return not task.done() or (not _failed(task) and task.result().zygote.environments > 0)
