"""A storm by processes of its own: started, watched, and gone with the verdict."""

from dataclasses import dataclass
from typing import Final

from pytest_dsql.storm.run.conductor import Conductor, Result
from pytest_dsql.storm.run.worker import LambdaAccess, Worker, take_part
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.transfers.scenario import Scenario
from pytest_dsql.storm.workers.processes import Processes
from pytest_dsql.storm.workers.rendezvous import START_LIMIT_S, VERDICT_LIMIT_S

AROUND_S: Final = START_LIMIT_S + VERDICT_LIMIT_S
"""What a storm takes before its first call and after its last answer, at most."""


class NotPlayed(Exception):
    """A storm has no result; the text says why."""


@dataclass(frozen=True, slots=True)
class TransfersPart:
    """What a process is told: where the function is, which worker it is, what is played."""

    account: LambdaAccess
    worker: Worker
    scenario: Scenario
    load: Load

    def take_part(self) -> None:
        """Make this worker's share of the calls. Raises Interrupted where the conductor cannot go on."""
        take_part(self.account, self.worker, self.scenario, self.load)


def play(account: LambdaAccess, conductor: Conductor, name: str, load: Load, *, workers: int) -> Result:
    """Play the storm of a scenario by so many processes, of which none is left; return what came of it.

    ``account`` has to be one that can be pickled. An interrupt breaks the storm off; the conductor has the result of
    what there was, and KeyboardInterrupt is raised again. Raises NotPlayed where the storm could not begin or end.
    """
    act = conductor.begin(name, workers, load, watched=True)
    with Processes(act.folder, act.leave) as processes:
        try:
            for share in range(workers):
                worker = Worker(conductor.where, share, workers)
                processes.start(share, TransfersPart(account, worker, act.scenario, load))
            act.over.wait(AROUND_S + act.limit_s)
        except KeyboardInterrupt:
            conductor.interrupt(processes.end)
            raise
        processes.wait()
    if act.result is None:
        raise NotPlayed(act.failure or "nobody has judged it in time")
    return act.result
