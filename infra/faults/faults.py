"""All that can break of a stack on the stand-in."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from infra.faults.cluster import ClusterFaults
from infra.faults.function import FunctionFaults
from infra.faults.moment import Moment
from infra.stack import Stack
from infra.stand_in import LocalCloud
from pytest_dsql.storm.transfers.faults import FaultKind


@dataclass(frozen=True)
class Faults:
    """What can be done to a stack, whose function has ``reserved`` concurrency, as ``reserve`` sets."""

    cloud: LocalCloud
    stack: Stack
    reserve: Callable[[int | None], None]
    reserved: int | None

    def have(self, kind: FaultKind, chance: random.Random, over: threading.Event) -> int:
        """Have something break; return how often it was met. Raises ControlError, and what boto3 and psycopg raise."""
        of_cluster = self._of_cluster
        of_function = FunctionFaults(of_cluster.handle, self.stack.function, self.reserve, self.reserved)
        return {**of_cluster.kinds(), **of_function.kinds()}[kind](Moment.drawn(chance, over))

    def left_open(self) -> int:
        """Return how many transactions are open."""
        return len(self._of_cluster.handle.in_transaction())

    @property
    def _of_cluster(self) -> ClusterFaults:
        return ClusterFaults(self.cloud, self.stack.outputs())
