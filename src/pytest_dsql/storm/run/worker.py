"""One worker's part in a storm: arrive, make its share of the calls, be told the verdict."""

from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Protocol

from botocore.config import Config

from pytest_dsql.link.batch import as_batch, with_descriptors
from pytest_dsql.storm.record.journal import worker_name
from pytest_dsql.storm.record.record import Recorder
from pytest_dsql.storm.run.driver import Driver, config
from pytest_dsql.storm.run.invocations import Invocations, Way
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.transfers.scenario import Scenario
from pytest_dsql.storm.workers.door import Door
from pytest_dsql.storm.workers.rendezvous import Attendance
from pytest_dsql.storm.workers.tally import Tally


class Account(Protocol):
    """Where the function is: boto3's client of a service, and what requests are signed with."""

    @property
    def region(self) -> str:
        """The Region, as signatures name it."""
        ...

    def client(self, service: str, config: Config) -> Any:
        """Return a boto3 client."""
        ...

    def credentials(self) -> Any:
        """Return botocore's frozen credentials, fresh enough to sign with."""
        ...


@dataclass(frozen=True, slots=True)
class Worker:
    """One of ``shares`` workers; ``where`` is the conductor's socket, or from another machine its door."""

    where: str | Door
    share: int
    shares: int


def take_part(account: Account, worker: Worker, scenario: Scenario, load: Load) -> list[str]:
    """Make a worker's share of a storm's calls; return the findings on the storm as a whole.

    The seed of ``load`` is the conductor's to say. Raises Interrupted where the conductor cannot go on.
    """
    as_batch()
    with_descriptors()
    share, shares = worker.share, worker.shares
    tally = Tally()
    client = account.client("lambda", config(load.patience_s))
    with closing(client), Attendance(worker.where, tally.taken) as attendance:
        told = attendance.arrive(scenario.name, share, shares)
        place = (client.meta.endpoint_url, told["function"], account.region, account.credentials)
        way = Way(*place, read_limit_s=load.patience_s)
        with (
            Invocations(way, load.threads(share, shares)) as line,
            Recorder(attendance.record(told), worker_name(share)) as recorder,
        ):
            driver = Driver(line, client, told["function"], recorder, tally, told["origin"])
            driver.run(scenario.load(replace(load, seed=told["seed"])), share, shares)
        findings: list[str] = attendance.finish()["findings"]
        return findings
