"""A test's handle on a running stand-in: faults, limits, sessions. It loads nothing of the stand-in itself."""

import json
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Self

from pytest_dsql.link.messages import (
    AddFault,
    Commits,
    Conflicts,
    DescribeCluster,
    EmptyCluster,
    EndBackend,
    Expire,
    HoldStatements,
    InTransaction,
    KillServer,
    ListFaults,
    Message,
    NoMore,
    Proceed,
    RemoveFault,
    RestartEndpoint,
    Sessions,
    SetLimits,
    SetStrictCatalog,
    encoded,
)

ANSWER_LIMIT_S: Final = 60.0


class ControlError(Exception):
    """The stand-in could not do what it was told; the text is its own."""


class Handle:
    """The handle on one cluster. Everything it puts in force ends with its ``with`` block."""

    def __init__(self, path: str, cluster: str) -> None:
        self._path, self._cluster = path, cluster

    @classmethod
    def of(cls, environment: Mapping[str, str], host: str) -> Self:
        """Return the handle of the cluster whose endpoint is ``host``, by the stand-in's variables."""
        return cls(environment["DSQL_CONTROL"], host.partition(".")[0])

    def ask(self, message: Message) -> Any:
        """Tell the stand-in to do something; raise ControlError where it cannot, OSError where it is gone."""
        with self._line(ANSWER_LIMIT_S) as line:
            return line(message)

    @contextmanager
    def _line(self, limit_s: float) -> Iterator[Callable[[Message], Any]]:
        """Connect for several messages, each to be answered within so many seconds."""
        with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rw") as lines:
            connection.settimeout(limit_s)
            connection.connect(self._path)

            def ask(message: Message) -> Any:
                lines.write(encoded(message))
                lines.flush()
                answer = json.loads(lines.readline() or '{"error": "the stand-in is gone"}')
                if "error" in answer:
                    raise ControlError(answer["error"])
                return answer["result"]

            yield ask

    def describe(self) -> dict[str, Any]:
        """Return the cluster's endpoint, its PostgreSQL (``postgres``) and the stand-in's process (``pid``)."""
        return dict(self.ask(DescribeCluster(cluster=self._cluster)))

    def empty(self) -> None:
        """Let the cluster be as it was at first: its sessions end, its contents, roles and faults go."""
        self.ask(EmptyCluster(cluster=self._cluster))

    @contextmanager
    def fault(self, action: str, **narrowed: Any) -> Iterator["Applied"]:
        """Put a fault in force: ``fail``, ``cut_before`` or ``cut_after``, ``delay`` by ``seconds``.

        ``at`` is where it applies: ``commit`` unless said otherwise, ``statement`` or ``sign_in``. ``role``, ``table``
        and ``session`` narrow it down; ``times`` is how often it applies, 1 unless said otherwise. What ``fail`` tells
        is named by ``code``: OC000, OC001, UNAVAILABLE, RATE_EXCEEDED, TOO_MANY_CONNECTIONS, TOKEN_EXPIRED.
        """
        applied = Applied(self, self.put(action=action, **narrowed))
        try:
            yield applied
        finally:
            applied.last = self.take_back(applied.id)

    def put(self, **settings: Any) -> str:
        """Put a fault in force, until it is taken back, and return its id; ``fault`` tells of the settings."""
        identifier = uuid.uuid4().hex[:8]
        self.ask(AddFault(cluster=self._cluster, id=identifier, settings=settings))
        return identifier

    def take_back(self, fault: str) -> int:
        """Take a fault back and return how often it was applied."""
        return int(self.ask(RemoveFault(cluster=self._cluster, id=fault)))

    def faults(self) -> dict[str, dict[str, Any]]:
        """Return the faults in force by their ids: the settings, and how often each was ``applied``."""
        return {fault["id"]: fault for fault in self.ask(ListFaults(cluster=self._cluster))}

    def commits(self) -> dict[str, int]:
        """Return how many transactions ended by COMMIT: ``committed``, ``lost`` (40001), ``failed``, ``cut``."""
        return dict(self.ask(Commits(cluster=self._cluster)))

    def conflicts(self) -> dict[str, int]:
        """Return how often clients were told 40001, at COMMIT or before: ``OC000``, ``OC001``."""
        return dict(self.ask(Conflicts(cluster=self._cluster)))

    @contextmanager
    def limits(self, **changed: float) -> Iterator[None]:
        """Change limits: ``transaction_s``, ``session_s``, ``rows``, ``size``, ``connections``, ``connect_rate``, …

        Above ``storage`` (bytes) COMMIT of a change is refused, 53100.
        """
        before = self.ask(SetLimits(cluster=self._cluster, limits=changed))
        try:
            yield
        finally:
            self.ask(SetLimits(cluster=self._cluster, limits=before))

    @contextmanager
    def strict_catalog(self) -> Iterator[None]:
        """Have sessions that begin meanwhile meet OC001 in the worst case: at any statement that needs the catalog."""
        self.ask(SetStrictCatalog(cluster=self._cluster, strict=True))
        try:
            yield
        finally:
            self.ask(SetStrictCatalog(cluster=self._cluster, strict=False))

    @contextmanager
    def statements_held(self, limit_s: float) -> Iterator[Callable[[int | None], dict[str, Any]]]:
        """Hold every statement at the wire, of whatever client, until it is let through.

        What is given lets a statement through, by its number, or none, and waits for so many seconds for what comes
        next; ``Proceed`` tells of its answer. It raises ControlError where the statement is held no more, or another
        one came out of turn.
        """
        with self._line(limit_s + ANSWER_LIMIT_S) as ask:
            ask(HoldStatements(cluster=self._cluster, held=True))
            try:
                yield lambda number: ask(Proceed(cluster=self._cluster, statement=number, limit_s=limit_s))
            finally:
                ask(HoldStatements(cluster=self._cluster, held=False))

    def no_more(self) -> None:
        """Say that who is waited for while statements are held sends no more statements."""
        self.ask(NoMore(cluster=self._cluster))

    def expire(self, session: int) -> None:
        """End a session, by its backend's process id, as the service does after 60 minutes."""
        self.ask(Expire(cluster=self._cluster, session=session))

    def end_backend(self, session: int) -> None:
        """End a session's PostgreSQL process, by its id, as an operator's ``pg_terminate_backend`` does."""
        self.ask(EndBackend(cluster=self._cluster, session=session))

    def kill_server(self) -> None:
        """Kill the cluster's PostgreSQL as ``kill -9`` does, and wait until it serves again; all sessions end."""
        self.ask(KillServer(cluster=self._cluster))

    def restart_endpoint(self, closed_s: float = 0.1) -> int:
        """Close the cluster's endpoint, with all connections to it, and open it again; return how many there were.

        Nobody comes in meanwhile by the address that all clusters share.
        """
        return int(self.ask(RestartEndpoint(cluster=self._cluster, closed_s=closed_s)))

    def sessions(self) -> list[int]:
        """Return the process ids of the cluster's sessions."""
        return list(self.ask(Sessions(cluster=self._cluster)))

    def in_transaction(self) -> list[int]:
        """Return the process ids of the sessions that have a transaction open."""
        return list(self.ask(InTransaction(cluster=self._cluster)))


class Applied:
    """How often a fault was applied: so far, or in all when it has been taken back."""

    def __init__(self, handle: Handle, fault: str) -> None:
        self._handle, self.id = handle, fault
        self.last: int | None = None

    @property
    def times(self) -> int:
        """How often."""
        return int(self._handle.faults()[self.id]["applied"]) if self.last is None else self.last
