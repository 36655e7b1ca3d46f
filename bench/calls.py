"""Calls of a function, from the driver to the database: how many a second, and which part needs how much CPU."""

import multiprocessing
import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any, Final

import psutil

from infra import database, schema
from infra.bundle import build
from infra.chapters import CHAPTERS
from infra.stack import Stack
from infra.stand_in import LocalCloud
from pytest_dsql.storm.run.driver import content
from pytest_dsql.storm.run.invocations import Invocations, Way
from pytest_dsql.storm.transfers.plan import Load

PROCESSES: Final = 4
IN_FLIGHT: Final = 4
START_LIMIT_S: Final = 60
STORM_LIMIT_S: Final = 900
PARTS: Final = ("stand-in", "functions", "PostgreSQL")


@dataclass(frozen=True)
class Site:
    """A stand-in with the stack on it, and its processes."""

    stack: Stack
    process: psutil.Process

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far of the stand-in itself, the functions' environments, and PostgreSQL."""
        spent = dict.fromkeys(PARTS, 0.0)
        spent["stand-in"] = sum(self.process.cpu_times()[:2])
        for child in self.process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                part = "functions" if any("zygote" in word for word in child.cmdline()) else "PostgreSQL"
                # What has ended is in its parent's times.
                spent[part] += sum(child.cpu_times()[:4])
        return spent

    def since(self, before: Mapping[str, float]) -> dict[str, float]:
        """Return the CPU seconds that each part has used since it had used ``before``."""
        return {part: used - before[part] for part, used in self.cpu().items()}


def a_call(spent: Mapping[str, float], calls: int) -> dict[str, float]:
    """Return the CPU ms of each part for one of so many calls."""
    return {part: 1000 * seconds / calls for part, seconds in spent.items()}


@dataclass(frozen=True)
class Task:
    """What a driver is told."""

    environment: dict[str, str]
    function: str
    chapter: int
    seconds: float


@contextmanager
def standing() -> Iterator[Site]:
    """Start a stand-in, deploy chapter 4 with its accounts."""
    with closing(LocalCloud.start()) as cloud:
        stack = Stack(cloud)
        outputs = stack.deploy(CHAPTERS[4], build(cloud.platform)).outputs
        host = database.endpoint(outputs)
        with closing(database.connect(cloud, host)) as admin:
            schema.set_up(admin, outputs.role_arn)
        yield Site(stack, psutil.Process(cloud.handle(host).describe()["pid"]))


def measure(place: Site, chapter: int, seconds: float) -> dict[str, float]:
    """Call a chapter's function from several processes at once; return calls/s and CPU ms a call, by part."""
    place.stack.deploy(CHAPTERS[chapter], build(place.stack.cloud.platform))
    _drive(place, chapter, seconds / 4)  # warm
    before = place.cpu()
    calls, driver = _drive(place, chapter, seconds)
    return {"per_second": calls / seconds, "driver": 1000 * driver / calls, **a_call(place.since(before), calls)}


def _drive(place: Site, chapter: int, seconds: float) -> tuple[int, float]:
    """Return how many calls were answered, and the drivers' CPU seconds."""
    context = multiprocessing.get_context("spawn")
    together, queue = context.Barrier(PROCESSES), context.Queue()
    task = Task(place.stack.cloud.environment, place.stack.function, chapter, seconds)
    processes = [
        context.Process(target=_driver, args=(seed, task, together, queue), daemon=True) for seed in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    counts = [queue.get(timeout=START_LIMIT_S + seconds) for _ in processes]
    for process in processes:
        process.join(START_LIMIT_S)
    return sum(calls for calls, _ in counts), sum(cpu for _, cpu in counts)


def _driver(seed: int, task: Task, together: Barrier, queue: Any) -> None:
    cloud = LocalCloud(task.environment)
    way = Way(task.environment["AWS_ENDPOINT_URL"], task.function, cloud.region, cloud.credentials)
    load = Load(calls=1_000_000, parallel=1, accounts=1_000, seed=seed)
    together.wait(START_LIMIT_S)
    usage, until = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() + task.seconds
    with Invocations(way, IN_FLIGHT) as line:
        for number in range(IN_FLIGHT):
            line.send(number, _event(task, load, number))
        made = 0
        while time.monotonic() < until:
            for _ in line.wait(1.0):
                made += 1
                line.send(made, _event(task, load, IN_FLIGHT + made))
    after = resource.getrusage(resource.RUSAGE_SELF)
    queue.put((made, after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime))


def _event(task: Task, load: Load, number: int) -> bytes:
    return b'{"name": "x"}' if task.chapter == 0 else content(load.transfer(number))
