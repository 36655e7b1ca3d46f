"""Where one storm is played, conductor and worker in one process."""

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Final

from infra.bank import Bank
from infra.stack import Stack
from pytest_dsql.storm.run.conductor import Conductor, Result
from pytest_dsql.storm.run.worker import Worker, take_part
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.transfers.scenario import Scenario

WARM_UP: Final = 8
FUNCTION_LIMIT_S: Final = 1.0
"""For so long may a function of the stand-in be at work for a call that nobody waits for."""
NOBODY: Final = SimpleNamespace(begin=lambda _: None, show=lambda _: None)
"""Watches."""

Rival = Callable[[str, Scenario], None]
"""Makes the second half of the calls; is told where the conductor is."""


@dataclass(frozen=True)
class Arena:
    """A stack on which storms are played, one after the other; their records go below ``folder``."""

    stack: Stack
    code: Path
    folder: Path

    def play(
        self, scenario: Scenario, load: Load, commit_s: float, *, code: Path | None = None, rival: Rival | None = None
    ) -> Result:
        """Play one; ``code`` is in place of the function's own zip. Raises Interrupted where it cannot be played."""
        stage = Bank(self.stack, code or self.code, WARM_UP, commit_s)
        conductor = Conductor(
            lambda: stage, {scenario.name: scenario}, load, self.folder, NOBODY, function_limit_s=FUNCTION_LIMIT_S
        )
        with closing(conductor):
            where = conductor.where
            if rival is not None:
                threading.Thread(target=rival, args=(where, scenario), daemon=True).start()
            try:
                take_part(self.stack.cloud, Worker(where, 0, 1 if rival is None else 2), scenario, load)
            except KeyboardInterrupt:
                conductor.interrupt()
                raise
            (result,) = conductor.results
            return result
