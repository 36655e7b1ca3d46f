"""What is asked of a running stand-in over its handle: one object of JSON a line, one answer a line.

Each class is one message, by its name; its fields are the message's. The answer is ``{"result": …}`` or
``{"error": text}``.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final


class Message:
    """One message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateCluster(Message):
    """Start a cluster; the answer is its ``id``, ``host`` and ``arn``."""

    identifier: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DescribeCluster(Message):
    """Tell ``id``, ``host``, ``arn``, the URL of the PostgreSQL behind it (``postgres``) and the stand-in's ``pid``."""

    cluster: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EmptyCluster(Message):
    """Let a cluster be as it was at first."""

    cluster: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteCluster(Message):
    """End a cluster."""

    cluster: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses(Message):
    """Tell the address of each cluster, by its endpoint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AddPrincipal(Message):
    """Let there be an IAM principal with these credentials and policies."""

    key: str
    secret: str
    arn: str
    account: str
    policies: Sequence[dict[str, Any]]
    token: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AddFault(Message):
    """Put a fault in force; ``settings`` are those of the stand-in's ``Fault``. The answer is nothing."""

    cluster: str
    id: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveFault(Message):
    """Take a fault back; the answer is how often it was applied."""

    cluster: str
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ListFaults(Message):
    """Tell the faults in force: ``id``, how often each was ``applied``, and its settings."""

    cluster: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Commits(Message):
    """Tell how many transactions ended by COMMIT, autocommit included, by their outcome."""

    cluster: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflicts(Message):
    """Tell how often clients were told 40001, by the service's name for it."""

    cluster: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SetLimits(Message):
    """Change limits of new sessions and transactions; the answer is what they were."""

    cluster: str
    limits: dict[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class SetStrictCatalog(Message):
    """Say whether sessions that begin from here on meet OC001 in the worst case."""

    cluster: str
    strict: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldStatements(Message):
    """Hold every statement at the wire from now on, or none any more: one Query, or one Execute, is a statement."""

    cluster: str
    held: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Proceed(Message):
    """Let a held statement through, by its number, and wait for the next one to be held; None lets none through.

    The answer is ``next`` (``number``, ``session``, ``text``, ``parameters``), or ``ended`` after a ``NoMore``, or
    ``late`` where nothing came within so many seconds; and the ``answer`` to what was let through: ``rows``, ``more``
    than these, ``tag``, ``error`` (``code``, ``message``), or that its connection is ``gone``.
    """

    cluster: str
    limit_s: float
    statement: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NoMore(Message):
    """Say that who is waited for sends no more statements."""

    cluster: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sessions(Message):
    """Tell the process ids of a cluster's sessions."""

    cluster: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InTransaction(Message):
    """Tell the process ids of the sessions that have a transaction open."""

    cluster: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EndBackend(Message):
    """End a session's PostgreSQL process, by its id, as ``pg_terminate_backend`` does."""

    cluster: str
    session: int


@dataclass(frozen=True, kw_only=True, slots=True)
class KillServer(Message):
    """Kill a cluster's PostgreSQL as ``kill -9`` does; the answer comes when it serves again, on its data."""

    cluster: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RestartEndpoint(Message):
    """Close a cluster's endpoint for so many seconds; the answer, when it is open again, is how many connections ended.

    Nobody comes in meanwhile by the address that all clusters share.
    """

    cluster: str
    closed_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Expire(Message):
    """End a session, by its process id, as the service does after 60 minutes."""

    cluster: str
    session: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpireRole(Message):
    """End the sessions of an IAM role, as their time does; the answer is how many there were."""

    role: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KillEnvironments(Message):
    """Kill environments of a function that run an invocation, ``number`` at most; the answer is how many there were.

    ``cause`` is what the caller is told of it: ``killed``, or that ``memory`` or ``time`` was used up.
    """

    function: str
    number: int
    cause: str = "killed"


@dataclass(frozen=True, kw_only=True, slots=True)
class DisturbInvoke(Message):
    """Have the next ``times`` callers of a function disturbed; the answer is how often what was in force was applied.

    ``action`` is ``slow``, by ``seconds``; ``fail_before`` or ``fail_after`` the function has run, with an error of the
    service; ``reset_before`` or ``reset_after``, their connection. None takes back what is in force.
    """

    function: str
    action: str | None
    times: int = 1
    seconds: float = 0.0


KINDS: Final[dict[str, type[Message]]] = {kind.__name__: kind for kind in Message.__subclasses__()}


def encoded(message: Message) -> str:
    """Return the line that says a message."""
    return json.dumps({"do": type(message).__name__, **asdict(message)}) + "\n"  # type: ignore[call-overload]


def decoded(line: str | bytes) -> Message:
    """Read a line; raise ValueError where there is no such message, TypeError where a field is missing or unknown."""
    fields = json.loads(line)
    kind = KINDS.get(fields.pop("do", ""))
    if kind is None:
        raise ValueError(f"there is no such message; there are {', '.join(KINDS)}")
    return kind(**fields)
