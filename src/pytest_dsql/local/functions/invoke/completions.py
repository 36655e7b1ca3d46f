"""How an invocation ended: with the function's answer, or with a fault that the service tells of."""

import json
import signal
from dataclasses import dataclass
from datetime import UTC, datetime

from pytest_dsql.local.functions.invoke import facts


@dataclass(frozen=True, slots=True)
class Completion:
    """What the caller is given, and what the log is told."""

    payload: bytes
    failed: bool = False
    """Whether ``X-Amz-Function-Error`` is set."""
    line: str = ""
    """What the service writes to the log of a fault of the function."""
    status: str = ""
    """The end of the REPORT line."""


@dataclass(frozen=True, slots=True)
class EnvironmentFault:
    """The function did not answer; ``type`` is Lambda's name for why, ``text`` the rest, without a request."""

    type: str
    text: str = ""
    reported: bytes = b""
    """The runtime client's own account of it, JSON."""

    def completion(self, request_id: str) -> Completion:
        """Return the fault as the end of an invocation."""
        status = "timeout" if self.type == facts.TIMED_OUT else f"error\tError Type: {self.type}"
        payload, line = self._payload(request_id), self._line(request_id)
        return Completion(payload, failed=True, line=line, status=f"\tStatus: {status}")

    def _payload(self, request_id: str) -> bytes:
        if self.reported:
            return self.reported
        message = self.text
        if self.type != facts.RESPONSE_TOO_LARGE:
            message = f"RequestId: {request_id} Error: {self.text}"
        return json.dumps({"errorType": self.type, "errorMessage": message}, separators=(",", ":")).encode()

    def _line(self, request_id: str) -> str:
        if self.reported:
            return ""
        if self.type == facts.TIMED_OUT:
            now = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
            return f"{now}Z {request_id} {self.text}"
        return f"RequestId: {request_id} Error: {self.text}\n{self.type}"


def timed_out(seconds: float) -> EnvironmentFault:
    """Return the fault of a function that did not end in time."""
    return EnvironmentFault(facts.TIMED_OUT, facts.TIMED_OUT_TEXT.format(seconds=seconds))


def exited(status: int) -> EnvironmentFault:
    """Return the fault of a process that ended, by its exit status or by a signal's number, negative."""
    if status == 0:
        return EnvironmentFault(facts.EXITED, facts.EXITED_SILENTLY_TEXT)
    how = f"exit status {status}" if status > 0 else f"signal: {_signal_name(-status)}"
    return EnvironmentFault(facts.EXITED, facts.EXITED_TEXT.format(how=how))


def _signal_name(number: int) -> str:
    """Return a signal's name as Go's runtime words it, in which the service is written: ``killed``."""
    try:
        return (signal.strsignal(number) or str(number)).lower().partition(":")[0]
    except ValueError:
        return str(number)


def out_of_memory() -> EnvironmentFault:
    """Return the fault of a process that was ended for want of memory."""
    return EnvironmentFault(facts.OUT_OF_MEMORY, exited(-signal.SIGKILL).text)


def init_error(reported: bytes) -> EnvironmentFault:
    """Return the fault of a function whose start failed, as the runtime client reports it."""
    try:
        kind = str(json.loads(reported).get("errorType", "Runtime.Unknown"))
    except (ValueError, AttributeError):
        kind = "Runtime.Unknown"
    return EnvironmentFault(kind, reported=reported)
