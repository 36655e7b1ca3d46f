"""One worker's part in a storm: arrive, make its share of the calls, be told the verdict."""

from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from pytest_dsql.link.batch import as_batch, with_descriptors
from pytest_dsql.link.keys import SigningKeys
from pytest_dsql.storm.record.journal import worker_name
from pytest_dsql.storm.record.record import Recorder
from pytest_dsql.storm.run.driver import Driver, asks_boto3, config
from pytest_dsql.storm.run.invocations import Invocations, Way
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.transfers.scenario import Scenario
from pytest_dsql.storm.workers.door import Door
from pytest_dsql.storm.workers.rendezvous import Attendance
from pytest_dsql.storm.workers.tally import Tally

if TYPE_CHECKING:
    from botocore.config import Config


class LambdaAccess(Protocol):
    """Where the function is: boto3's client of a service, and what requests are signed with."""

    @property
    def region(self) -> str:
        """The Region, as signatures name it."""
        ...

    @property
    def invoke_url(self) -> str:
        """Where Lambda is asked to invoke a function, without the path."""
        ...

    def client(self, service: str, config: "Config") -> Any:
        """Return a boto3 client."""
        ...

    def credentials(self) -> SigningKeys:
        """Return keys that are fresh enough to sign with."""
        ...


@dataclass(frozen=True, slots=True)
class Worker:
    """One of ``shares`` workers; ``where`` is the conductor's socket, or from another machine its door."""

    where: str | Door
    share: int
    shares: int


def take_part(account: LambdaAccess, worker: Worker, scenario: Scenario, load: Load) -> list[str]:
    """Make a worker's share of a storm's calls; return the findings on the storm as a whole.

    The seed of ``load`` is the conductor's to say. Raises Interrupted where the conductor cannot go on.
    """
    as_batch()
    with_descriptors()
    share, shares = worker.share, worker.shares
    tally = Tally()
    # To make a client takes as long as a hundred calls.
    asks = asks_boto3(scenario.load(load), share, shares)
    ours = closing(account.client("lambda", config(load.patience_s))) if asks else nullcontext()
    with ours as client, Attendance(worker.where, tally.taken) as attendance:
        told = attendance.arrive(scenario.name, share, shares)
        place = (account.invoke_url, told["function"], account.region, account.credentials)
        way = Way(*place, read_limit_s=load.patience_s)
        with (
            Invocations(way, load.threads(share, shares)) as line,
            Recorder(attendance.record(told), worker_name(share)) as recorder,
        ):
            driver = Driver(line, client, told["function"], recorder, tally, told["origin"])
            driver.run(scenario.load(replace(load, seed=told["seed"])), share, shares)
        findings: list[str] = attendance.finish()["findings"]
        return findings
