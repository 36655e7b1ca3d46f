"""What breaks before a function, and in it: Invoke and execution environments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from infra.faults.moment import Moment
from pytest_dsql.link.handle import Handle
from pytest_dsql.link.messages import DisturbInvoke, KillEnvironments
from pytest_dsql.storm.transfers.faults import FaultKind

_DISTURBED: Final = {
    FaultKind.INVOKE_SLOW: "slow",
    FaultKind.INVOKE_FAILED: "fail_before",
    FaultKind.INVOKE_LOST: "fail_after",
    FaultKind.RESET_BEFORE: "reset_before",
    FaultKind.RESET_AFTER: "reset_after",
}
_KILLED: Final = {
    FaultKind.FUNCTIONS_KILLED: "killed",
    FaultKind.OUT_OF_MEMORY: "memory",
    FaultKind.OUT_OF_TIME: "time",
}
SLOWER: Final = 10
"""By so many times as long as it is in force is an answer late that is."""


@dataclass(frozen=True)
class FunctionFaults:
    """What can be done to a function, which has ``reserved`` concurrency, as ``reserve`` sets."""

    handle: Handle
    function: str
    reserve: Callable[[int | None], None]
    reserved: int | None

    def kinds(self) -> dict[FaultKind, Callable[[Moment], int]]:
        """Return what can be done, each by what does it and tells how often it was met."""
        return {
            **{kind: self._disturbed(action) for kind, action in _DISTURBED.items()},
            **{kind: self._killed(cause) for kind, cause in _KILLED.items()},
            FaultKind.THROTTLED: self._throttled,
        }

    def _disturbed(self, action: str) -> Callable[[Moment], int]:
        def have(moment: Moment) -> int:
            ask, name, late_s = self.handle.ask, self.function, SLOWER * moment.hold_s
            ask(DisturbInvoke(function=name, action=action, times=moment.times, seconds=late_s))
            try:
                moment.hold()
            finally:
                met = ask(DisturbInvoke(function=name, action=None))
            return int(met)

        return have

    def _killed(self, cause: str) -> Callable[[Moment], int]:
        def have(moment: Moment) -> int:
            kill = KillEnvironments(function=self.function, number=moment.times, cause=cause)
            return int(self.handle.ask(kill))

        return have

    def _throttled(self, moment: Moment) -> int:
        self.reserve(1)
        try:
            moment.hold()
        finally:
            self.reserve(self.reserved)
        return 1
