"""A test's handle on a running stand-in: faults, limits, sessions. It loads nothing of the stand-in itself."""

import json
import socket
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Self

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

    def ask(self, do: str, **arguments: Any) -> Any:
        """Tell the stand-in to do something; raise ControlError where it cannot."""
        with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rw") as lines:
            connection.settimeout(ANSWER_LIMIT_S)
            connection.connect(self._path)
            lines.write(json.dumps({"do": do, **arguments}) + "\n")
            lines.flush()
            answer = json.loads(lines.readline() or '{"error": "the stand-in is gone"}')
        if "error" in answer:
            raise ControlError(answer["error"])
        return answer["result"]

    def describe(self) -> dict[str, Any]:
        """Return the cluster's endpoint, its PostgreSQL (``postgres``) and the stand-in's process (``pid``)."""
        return dict(self.ask("describe_cluster", cluster=self._cluster))

    @contextmanager
    def fault(self, action: str, **narrowed: Any) -> Iterator["Applied"]:
        """Put a fault in force: ``fail``, ``cut_before`` or ``cut_after`` a COMMIT, or ``delay`` by ``seconds``.

        ``role``, ``table`` and ``session`` narrow it down; ``times`` is how often it applies, 1 unless said otherwise.
        ``fail`` is a conflict of ``code`` OC000, or OC001.
        """
        applied = Applied()
        fault = uuid.uuid4().hex
        self.ask("add_fault", cluster=self._cluster, id=fault, action=action, **narrowed)
        try:
            yield applied
        finally:
            applied.times = self.ask("remove_fault", cluster=self._cluster, fault=fault)

    @contextmanager
    def limits(self, **changed: float) -> Iterator[None]:
        """Change limits: ``transaction_s``, ``session_s``, ``rows``, ``size``, ``connections``, ``connect_rate``, …"""
        before = self.ask("set_limits", cluster=self._cluster, **changed)
        try:
            yield
        finally:
            self.ask("set_limits", cluster=self._cluster, **before)

    @contextmanager
    def strict_catalog(self) -> Iterator[None]:
        """Have sessions that begin meanwhile meet OC001 in the worst case: at any statement that needs the catalog."""
        self.ask("set_strict_catalog", cluster=self._cluster, strict=True)
        try:
            yield
        finally:
            self.ask("set_strict_catalog", cluster=self._cluster, strict=False)

    def expire(self, session: int) -> None:
        """End a session, by its backend's process id, as the service does after 60 minutes."""
        self.ask("expire", cluster=self._cluster, session=session)

    def sessions(self) -> list[int]:
        """Return the process ids of the cluster's sessions."""
        return list(self.ask("sessions", cluster=self._cluster))


class Applied:
    """How often a fault was applied; known when it has been taken back."""

    times = 0
