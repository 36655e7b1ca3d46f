"""The transaction rules of Aurora DSQL that PostgreSQL does not have: a pure state machine, one a session."""

from dataclasses import dataclass
from typing import Final

from infra.local.dialect import Kind, Refusal, Statement

IDLE: Final = b"I"
IN_TRANSACTION: Final = b"T"
FAILED: Final = b"E"

# Sources: recorded from a cluster in 2026-09 (DDL rules, OC001 by AWS's documentation of 2026-10), and public
# protocols of live clusters of 2026-09 (age).
MULTIPLE_DDL: Final = Refusal("0A000", "multiple ddl statements not supported in a transaction")
DDL_AND_DML: Final = Refusal("0A000", "ddl and dml are not supported in the same transaction")
SCHEMA_CONFLICT: Final = Refusal("40001", "schema has been updated by another transaction (OC001)")

_ENDS: Final = frozenset({Kind.COMMIT, Kind.ROLLBACK})
_WITHOUT_CATALOG: Final = frozenset(
    {
        Kind.BEGIN,
        Kind.COMMIT,
        Kind.ROLLBACK,
        Kind.SAVEPOINT,
        Kind.SET,
        Kind.SET_CONSTRAINTS,
        Kind.SHOW,
        Kind.RESET,
        Kind.DEALLOCATE,
        Kind.EMPTY,
    }
)
"""Statements that look nothing up in the catalog, so that a stale session can still run them."""


@dataclass
class Limits:
    """What the service limits, in seconds, rows and bytes; a test may set what it wants to meet.

    Sources: Aurora DSQL user guide, quotas, 2026-10, cross-checked with live protocols of 2026-09.
    """

    transaction_s: float = 300.0
    session_s: float = 3600.0
    rows: int = 3_000
    size: int = 10 * 1024 * 1024
    connections: int = 10_000
    connect_rate: float = 100.0
    connect_burst: float = 1_000.0
    message: int = 10 * 1024 * 1024


class Rules:
    """What one session has done in its transaction, and what it may do next."""

    def __init__(self, limits: Limits, version: int) -> None:
        self._limits = limits
        self.seen = version
        self.status = IDLE
        self.block = self.doomed = False
        self._clear()

    def _clear(self) -> None:
        self.started: float | None = None
        self.ddl = self.dml = self.touched = False

    def refusal(self, statement: Statement, version: int, now: float) -> Refusal | None:
        """Say why the statement is refused here and now, None where it may run; then count it.

        ``version`` is the cluster's catalog version, ``now`` a monotonic time in seconds.
        """
        if self.status == FAILED or statement.kind is Kind.ROLLBACK:
            self.doomed = False
            self._count(statement, now)
            return None
        refusal = self._stale(statement, version) or self._too_old(statement, now) or self._mixed(statement)
        self._count(statement, now)
        return refusal or (statement.refusal if statement.kind is not Kind.COMMIT else None)

    def passes(self, statement: Statement, version: int, now: float) -> bool:
        """Count a statement that is no DDL and not refused as such, and say True; say False where to look closer."""
        started = self.started
        if self.ddl or self.doomed or self.seen != version or (statement.writes and not self.block):
            return False
        if started is not None and now - started > self._limits.transaction_s:
            return False
        self._count(statement, now)
        return True

    def _stale(self, statement: Statement, version: int) -> Refusal | None:
        looks = self.touched if statement.kind is Kind.COMMIT else statement.kind not in _WITHOUT_CATALOG
        if self.doomed:
            self.doomed, self.seen = False, version
            return SCHEMA_CONFLICT
        if looks and self.seen < version:
            self.seen = version
            return SCHEMA_CONFLICT
        return None

    def _too_old(self, statement: Statement, now: float) -> Refusal | None:
        limit = self._limits.transaction_s
        if self.started is None or now - self.started <= limit or statement.kind is Kind.BEGIN:
            return None
        age = f"Current transaction age {now - self.started:.0f}s exceeds {limit:g}s"
        return Refusal("54000", f"transaction age limit of {limit:g}s exceeded", detail=age)

    def _mixed(self, statement: Statement) -> Refusal | None:
        if statement.counts_as_ddl and self.ddl:
            return MULTIPLE_DDL
        if (statement.counts_as_ddl and self.dml) or (statement.writes and self.ddl):
            return DDL_AND_DML
        return None

    def _count(self, statement: Statement, now: float) -> None:
        if statement.kind in _ENDS:
            self.block = False
            self._clear()
            return
        self.block = self.block or statement.kind is Kind.BEGIN
        if self.started is None:
            self.started = now
        self.ddl = self.ddl or statement.counts_as_ddl
        self.dml = self.dml or statement.writes
        self.touched = self.touched or statement.kind not in _WITHOUT_CATALOG

    def settled(self, status: bytes) -> None:
        """Note the transaction status that PostgreSQL reports when it is ready for the next message."""
        self.status, self.block = status, status != IDLE
        if status == IDLE:
            self._clear()
