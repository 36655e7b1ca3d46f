"""What the invocation side needs to know of the account: functions, credentials, logs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

Key = tuple[str, str, str]
"""What environments are shared by: ARN, version, revision."""


@dataclass(frozen=True, slots=True)
class Code:
    """A zip, and what tells it from others."""

    content: bytes = field(repr=False)
    sha256: str


@dataclass(frozen=True, slots=True)
class Function:
    """One version of a function as it is configured now."""

    name: str
    arn: str
    """Unqualified."""
    version: str
    """``$LATEST`` or a number."""
    runtime: str
    """As configured, ``python3.13``; what runs is the Python of this machine."""
    handler: str
    role: str
    """The role's ARN."""
    timeout_s: int
    memory_mb: int
    variables: Mapping[str, str] = field(repr=False)
    code: Code
    revision: str
    """Changes with every change of configuration, code or role."""
    reserved: int | None
    """Reserved concurrency; 0 lets nothing through."""
    log_group: str
    layers: tuple[Code, ...] = ()
    """The first is at the bottom: what is in a later one, too, is the later one's."""

    @property
    def key(self) -> Key:
        """Return what its environments are shared by."""
        return self.arn, self.version, self.revision


@dataclass(frozen=True, slots=True)
class SessionCredentials:
    """Temporary credentials of a role's session."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires: datetime
    """Aware."""


class FunctionAccount(Protocol):
    """The account that functions belong to. Its methods are called on the event loop and must not block for long."""

    region: str
    account: str
    """The account's number."""
    concurrency: int
    """How many invocations may be in flight in the account; 1000 on AWS unless raised."""

    def function(self, reference: str, qualifier: str | None) -> Function:
        """Return a function by name, partial ARN or ARN, none of them qualified; raise FunctionNotFound (errors)."""
        ...

    def credentials(self, role: str, session: str) -> SessionCredentials:
        """Return credentials of a new session of the role."""
        ...

    def write_logs(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Append events (ms since the epoch, text) to a stream, which is made where it does not exist."""
        ...

    def variables(self) -> Mapping[str, str]:
        """Return how to reach the stand-in's AWS, as environment variables; every environment has them."""
        ...
