"""The transaction rules of Aurora DSQL that PostgreSQL does not have: a pure state machine, one a session."""

from dataclasses import replace
from typing import Final

from pytest_dsql.local.cluster.limits import Limits
from pytest_dsql.local.dialect import Kind, Refusal, Statement, facts
from pytest_dsql.local.proxy.rules.catalog_cache import CatalogCache

IDLE: Final = b"I"
IN_TRANSACTION: Final = b"T"
FAILED: Final = b"E"

MULTIPLE_DDL: Final = facts.MULTIPLE_DDL.refusal()
DDL_AND_DML: Final = facts.DDL_AND_DML.refusal()
SCHEMA_CONFLICT: Final = facts.SCHEMA_CONFLICT.refusal()

_ENDS: Final = frozenset({Kind.COMMIT, Kind.ROLLBACK})
_WITHOUT_SNAPSHOT: Final = frozenset({Kind.BEGIN, Kind.SET, Kind.SHOW, Kind.EMPTY})


class Rules:
    """What one session has done in its transaction, and what it may do next.

    A transaction is ``doomed`` where it was rolled back underneath, and its client does not know it yet. It has
    ``looked`` when a statement of the client's has used its snapshot. ``begun`` is the BEGIN behind which the proxy has
    had it taken, ``set`` says that settings were changed since.
    """

    def __init__(self, limits: Limits, cache: CatalogCache) -> None:
        self._limits = limits
        self.cache = cache
        self.status = IDLE
        self.block = self.doomed = False
        self._clear()

    def _clear(self) -> None:
        self.started: float | None = None
        self.ddl = self.dml = self.looked = self.set = False
        self.begun: Statement | None = None
        self.cache.transaction_ended()

    def refusal(self, statement: Statement, now: float) -> Refusal | None:
        """Say why the statement is refused here and now, None where it may run; then count it.

        ``now`` is a monotonic time in seconds.
        """
        self.doomed = False
        if self.status == FAILED or statement.kind is Kind.ROLLBACK:
            self._count(statement, now)
            return None
        refusal = self.schema_conflict(statement) or self._too_old(statement, now) or self._mixed(statement)
        self._count(statement, now)
        return refusal or (statement.refusal if statement.kind is not Kind.COMMIT else None)

    def passes(self, statement: Statement, now: float) -> bool:
        """Count a statement that is no DDL and not refused as such, and say True; say False where to look closer."""
        started = self.started
        if self.ddl or self.doomed or not self.cache.current:
            return False
        if not self.block and (statement.writes or statement.calls):
            return False
        if started is not None and now - started > self._limits.transaction_s:
            return False
        if statement.relations:
            # Most statements, in the fewest steps.
            self.cache.use(statement.relations)
            self.looked, self.dml = True, self.dml or statement.writes
            self.started = now if started is None else started
        else:
            self._count(statement, now)
        return True

    def look(self, statement: Statement) -> None:
        """Note that a statement is analysed or run, which may take a snapshot."""
        self.looked = self.looked or statement.kind not in _WITHOUT_SNAPSHOT

    def sees_latest(self, statement: Statement) -> bool:
        """Say whether a schema change can still be had see what was committed until it runs."""
        kept = self.begun is not None and self.set
        return statement.counts_as_ddl and not (self.looked or kept or self.doomed or self.status == FAILED)

    def doom(self) -> None:
        """Learn that the transaction was rolled back underneath; one that did nothing may go on in another."""
        self.doomed = True
        if self.ddl or self.dml or self.cache.touched:
            self.cache.lose()

    def schema_conflict(self, statement: Statement) -> Refusal | None:
        """Return OC001 where a statement is to get it, be it prepared, bound or run."""
        return SCHEMA_CONFLICT if self.status != FAILED and self.cache.conflicts(statement) else None

    def _too_old(self, statement: Statement, now: float) -> Refusal | None:
        limit = self._limits.transaction_s
        if self.started is None or now - self.started <= limit or statement.kind is Kind.BEGIN:
            return None
        age = f"Current transaction age {now - self.started:.0f}s exceeds {limit:g}s"
        return replace(facts.AGE.refusal(limit), detail=age)

    def _mixed(self, statement: Statement) -> Refusal | None:
        if statement.counts_as_ddl and self.ddl:
            return MULTIPLE_DDL
        if (statement.counts_as_ddl and self.dml) or (statement.writes and self.ddl):
            return DDL_AND_DML
        return None

    def _count(self, statement: Statement, now: float) -> None:
        if self.status != FAILED:  # else nothing is looked up, and COMMIT is a ROLLBACK
            self.cache.take(statement)
        if statement.kind in _ENDS:
            self.block = False
            self._clear()
            return
        self.block = self.block or statement.kind is Kind.BEGIN
        if self.started is None:
            self.started = now
        self.look(statement)
        self.set = self.set or statement.kind is Kind.SET
        self.ddl = self.ddl or statement.counts_as_ddl
        self.dml = self.dml or statement.writes

    def learn(self, *, ddl: bool = False, dml: bool = False) -> None:
        """Note what a routine's body has done."""
        self.ddl, self.dml = self.ddl or ddl, self.dml or dml

    def settled(self, status: bytes) -> None:
        """Note the transaction status that PostgreSQL reports when it is ready for the next message.

        Of a doomed transaction it has no knowledge; for the client that one is still open.
        """
        if self.doomed:
            return
        self.status, self.block = status, status != IDLE
        if status == IDLE:
            self._clear()
