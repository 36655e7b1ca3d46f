"""The faults of a storm: each at its moment, one after the other, on record."""

import threading
import time
from dataclasses import dataclass

from pytest_dsql.storm.record.common import Fault
from pytest_dsql.storm.record.record import Recorder
from pytest_dsql.storm.run.stage import Stage
from pytest_dsql.storm.transfers.faults import Planned, planned
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.workers.act import Act


@dataclass(frozen=True)
class StageFaults:
    """What breaks on a stage; ``origin`` is the storm's start by the monotonic clock."""

    stage: Stage
    recorder: Recorder
    origin: float

    def run(self, act: Act, load: Load, over: threading.Event) -> None:
        """Have a load's faults, until the storm is ``over``."""
        for fault in planned(load):
            if not act.reach(fault.after) or over.is_set():
                return
            self.recorder.fault(self._had(fault, over))

    def _had(self, fault: Planned, over: threading.Event) -> Fault:
        begun, met, trouble = self._now(), 0, None
        try:
            met = self.stage.disturb(fault.kind, fault.chance, over)
        except Exception as error:  # noqa: BLE001 - whatever it is, the verdict tells it
            trouble = f"{type(error).__name__}: {error}"
        return Fault(fault.kind, begun, self._now(), met, trouble)

    def _now(self) -> float:
        return time.monotonic() - self.origin
