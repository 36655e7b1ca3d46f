"""What the service itself writes to the log around an invocation: START, END and REPORT."""

import math
import os
import time
from pathlib import Path
from typing import Final

from pytest_dsql.local.functions.environments.logs import Stream
from pytest_dsql.local.functions.invoke.account import Function
from pytest_dsql.local.functions.invoke.completions import Completion, EnvironmentFault

SAMPLE_S: Final = 1.0
"""The process's memory is looked at no more often than this."""
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class InvocationJournal:
    """The service's own lines in one environment's log."""

    def __init__(self, stream: Stream, function: Function) -> None:
        self._stream, self._function = stream, function
        self._memory_mb = 0
        self._sampled = -math.inf
        self.init_s: float | None = None
        """How long init took, until it is reported."""

    def start(self, request_id: str) -> None:
        """Write START."""
        self._stream.append(f"START RequestId: {request_id} Version: {self._function.version}")

    def end(self, request_id: str, outcome: Completion, duration_s: float) -> None:
        """Write END and REPORT, before them what the service has to say of a fault."""
        if outcome.line:
            self._stream.append(outcome.line)
        self._stream.append(f"END RequestId: {request_id}")
        duration = duration_s * 1000
        init, billed = "", math.ceil(duration)
        if self.init_s is not None:
            # Init has been billed since 2025-08 (AWS Compute Blog, 2025-04-29).
            init, billed = f"\tInit Duration: {self.init_s * 1000:.2f} ms", math.ceil(duration + self.init_s * 1000)
            self.init_s = None
        self._stream.append(
            f"REPORT RequestId: {request_id}\tDuration: {duration:.2f} ms\tBilled Duration: {billed} ms"
            f"\tMemory Size: {self._function.memory_mb} MB\tMax Memory Used: {self._memory_mb} MB{init}{outcome.status}"
        )

    def init_failed(self, fault: EnvironmentFault, duration_s: float, phase: str) -> None:
        """Write INIT_REPORT."""
        status = fault.completion("").status
        self._stream.append(f"INIT_REPORT Init Duration: {duration_s * 1000:.2f} ms\tPhase: {phase}{status}")

    def sample(self, pid: int) -> None:
        """Look how much memory the process has had at most; 0 MB where the system does not say."""
        now = time.monotonic()
        if now - self._sampled < SAMPLE_S:
            return
        self._sampled = now
        try:
            resident = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * PAGE
        except OSError:
            return
        self._memory_mb = max(self._memory_mb, math.ceil(resident / 2**20))
