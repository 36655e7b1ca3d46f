"""One worker's part in a storm: arrive, make its share of the calls, be told the verdict."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from infra.cloud import Cloud
from storm.driver import Driver, config
from storm.names import worker_name
from storm.plan import Load
from storm.record import Recorder
from storm.rendezvous import Attendance, Message
from storm.scenario import Scenario

_NOTHING: Final[Message] = {"done": 0, "retries": 0, "outcomes": {}, "latencies": []}


@dataclass(frozen=True, slots=True)
class Worker:
    """One of ``shares`` workers; ``where`` is the conductor's socket."""

    where: str
    share: int
    shares: int


def take_part(cloud: Cloud, worker: Worker, scenario: Scenario, load: Load) -> list[str]:
    """Make a worker's share of a storm's calls; return the findings on the storm as a whole.

    Raises Interrupted where the conductor cannot go on.
    """
    share, shares = worker.share, worker.shares
    client = cloud.client("lambda", config(load.threads(share, shares)))
    drivers: list[Driver] = []

    def progress() -> Message:
        return drivers[0].tally.taken() if drivers else _NOTHING

    with Attendance(worker.where, progress) as attendance:
        told = attendance.arrive(scenario.name, share, shares)
        with Recorder(Path(told["folder"]), worker_name(share)) as recorder:
            drivers.append(Driver(client, told["function"], recorder, told["origin"]))
            drivers[0].run(scenario.load(replace(load, seed=told["seed"])), share, shares)
        findings: list[str] = attendance.finish()["findings"]
        return findings
