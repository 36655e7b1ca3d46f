"""The highest rate that a deployed function holds: storms in open loop, one for each step of the search."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pytest_dsql.storm.rate.knee import SETTLING, Knee, Step, find, p99_ms
from pytest_dsql.storm.run.conductor import Conductor, Result
from pytest_dsql.storm.run.play import play
from pytest_dsql.storm.run.worker import LambdaAccess
from pytest_dsql.storm.transfers.plan import Load


class StepFailed(Exception):
    """Something was found in a step that no rate excuses; ``result`` has it."""

    def __init__(self, result: Result) -> None:
        super().__init__(f"the storm failed at {result.history.facts.configuration['rate']}")
        self.result = result


@dataclass(frozen=True, slots=True)
class Steps:
    """A search with the storm of a scenario, in steps of ``seconds``; ``load`` has all but calls and rate."""

    account: LambdaAccess
    conductor: Conductor
    scenario: str
    load: Load
    workers: int
    seconds: float

    def run(self, limit_ms: float, start: float) -> Iterator[Knee]:
        """Yield what is known after each step, the knee at last. Raises StepFailed and NotPlayed."""
        return find(lambda rate: self._step(rate, limit_ms), limit_ms, start)

    def _step(self, rate: float, limit_ms: float) -> Step:
        load = replace(self.load, rate=rate, calls=max(1, round(rate * self.seconds)))
        result = play(self.account, self.conductor, self.scenario, load, workers=self.workers)
        if not result.verdict.passed:
            raise StepFailed(result)
        waited = p99_ms(result.history, SETTLING * self.seconds)
        return Step(rate, round(result.statistics.achieved_rate, 1), round(waited, 1), waited <= limit_ms)
