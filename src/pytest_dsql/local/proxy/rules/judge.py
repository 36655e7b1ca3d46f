"""What becomes of a statement: the rules, the faults a test has put in force, and what its transaction changes."""

import time
from dataclasses import dataclass, field
from typing import Final

from pytest_dsql.local.cluster.cluster import Cluster
from pytest_dsql.local.cluster.faults import Place
from pytest_dsql.local.dialect import Catalog, Kind, Refusal, Statement, facts
from pytest_dsql.local.proxy import plan
from pytest_dsql.local.proxy.plan import Plan
from pytest_dsql.local.proxy.rules.catalog_cache import CatalogCache
from pytest_dsql.local.proxy.rules.transaction import FAILED, IDLE, Rules
from pytest_dsql.local.proxy.units import Unit

_JOBS: Final = frozenset({Kind.CREATE_INDEX_ASYNC, Kind.VALIDATE_ASYNC})
_FULL: Final = facts.STORAGE.refusal()


@dataclass
class Changes:
    """What the open transaction changes for others (the catalog, jobs) or for its session (the search path).

    ``inner`` says that a routine's body has changed the catalog, which it may have committed, whatever came behind.
    """

    catalog: bool = False
    job: bool = False
    path: bool = False
    inner: bool = False

    def note(self, statement: Statement) -> None:
        """Note what a statement changes that no rule refused."""
        self.catalog |= statement.counts_as_ddl
        self.job |= statement.kind in _JOBS
        self.path |= statement.changes_search_path or statement.kind is Kind.RESET

    def due(self, status: bytes) -> bool:
        """Whether there is something to see to, now that PostgreSQL is ready in this transaction status."""
        return (self.catalog and status == IDLE) or (self.path and status != FAILED)


@dataclass
class Ruling:
    """Hidden statements to run first, and what to run ``instead`` of the statement, None where it may run itself."""

    before: list[Plan] = field(default_factory=list)
    instead: Plan | None = None


class Judge:
    """The judge of one session's statements.

    ``delay`` (seconds) and ``cut`` are what faults have in store for what is about to be sent.
    """

    def __init__(self, cluster: Cluster, user: str) -> None:
        self._cluster, self._user = cluster, user
        self.rules = Rules(cluster.limits, CatalogCache(strict=cluster.strict_catalog))
        self.changes = Changes()
        self.pid = 0
        self.delay = 0.0
        self.cut = False
        self._committing = False
        self._tables: frozenset[str] = frozenset()

    def settled(self, status: bytes, unit: Unit) -> None:
        """Note the transaction status that PostgreSQL reports at the end of a unit, and what became of a COMMIT."""
        self.rules.settled(status)
        if unit.conflict:
            self._cluster.conflicts[unit.conflict] += 1
        if self._committing:
            self._committing = False
            self._cluster.commits[unit.outcome] += 1
        if self.rules.status == IDLE:
            self._tables = frozenset()

    def verdict(self, statement: Statement, unit: Unit) -> Ruling:
        """Judge a statement that is about to run."""
        self._committing |= self._commits(statement) and (self.rules.block or statement.kind is not Kind.COMMIT)
        verdict = Ruling([plan.BEGIN] if self.rules.doomed else [])
        if unit.simple:
            verdict.before += self.see_latest(statement)
        too_much = self._too_much(statement)
        refusal = self._refusal(statement)
        alone = not unit.simple or statement.kind is Kind.EXPLAIN
        unit.implicit |= (statement.writes or statement.calls) and not self.rules.block and alone
        if statement.calls and not refusal and (self.rules.ddl or self.rules.dml):
            verdict.before.append(plan.tell(ddl=self.rules.ddl, dml=self.rules.dml))
        refusal = refusal or self._statement_failure(statement, unit)
        if refusal and statement.kind is not Kind.COMMIT:
            verdict.instead = plan.refuse(refusal)
        elif failure := refusal or self._commit_failure(statement, unit) or too_much:
            verdict.before.append(plan.fail_at_commit(failure))
        if unit.implicit or unit.deaf or self.changes.catalog or self.changes.path:
            unit.plain = False
        return verdict

    def see_latest(self, statement: Statement) -> list[Plan]:
        """Return what has a schema change see what was committed until it runs; a snapshot not used yet is given up."""
        if not self.rules.sees_latest(statement):
            return []
        begun, self.rules.begun = self.rules.begun, None
        again = [plan.ROLLBACK, Plan(begun.sql, hidden=True)] if begun else []
        return [*again, plan.SEE_LATEST]

    @property
    def catalog(self) -> Catalog:
        """The cluster's catalog as it is now."""
        return self._cluster.catalog

    def refuses(self, statement: Statement) -> bool:
        """Say whether a statement is refused already when it is prepared or bound; a failed transaction has its own."""
        if self.rules.status == FAILED or statement.kind is Kind.COMMIT:
            return False
        return bool(statement.refusal or self.rules.schema_conflict(statement))

    def learn(self, what: str) -> None:
        """Learn from PostgreSQL what a routine's body does."""
        self.rules.learn(ddl=what == "ddl", dml=what == "dml")
        changes = self.changes
        changes.path |= what == "path"
        if what == "ddl":
            changes.catalog = changes.job = True
            changes.inner |= not self.rules.block

    def passes(self, statement: Statement) -> bool:
        """Note a statement of a relayed plan and say True where it may run without a closer look."""
        if self.changes.catalog or self.changes.path or self._may_fail(statement):
            return False
        commits = statement.kind is Kind.COMMIT and self.rules.block
        passes = self.rules.passes(statement, time.monotonic())
        self._committing |= passes and commits
        return passes

    def _may_fail(self, statement: Statement) -> bool:
        """Whether a statement may be refused at its COMMIT; where not, note what it does to tables."""
        rules = self._cluster.faults.rules
        if self._cluster.full and self._commits(statement):
            return True
        if not rules:
            return False
        if self._commits(statement) or any(fault.at == "statement" for fault in rules.values()):
            return True
        if statement.may_write:
            self._tables |= statement.tables
        return False

    def _commits(self, statement: Statement) -> bool:
        return statement.kind is Kind.COMMIT or (statement.may_write and not self.rules.block)

    def _too_much(self, statement: Statement) -> Refusal | None:
        """Say why a statement may not commit what its transaction has written, or itself writes."""
        writes = statement.may_write or self.rules.dml
        return _FULL if self._cluster.full and self._commits(statement) and writes else None

    def _refusal(self, statement: Statement) -> Refusal | None:
        refusal = self.rules.refusal(statement, time.monotonic())
        if refusal is None:
            self.changes.note(statement)
        return refusal

    def _commit_failure(self, statement: Statement, unit: Unit) -> Refusal | None:
        """Apply the faults in force at a COMMIT; return the failure that this statement's is to have."""
        if not (self._cluster.faults.rules and self._commits(statement)):
            return None
        failure = self._apply("commit", unit)
        self._tables = frozenset()
        return failure

    def _statement_failure(self, statement: Statement, unit: Unit) -> Refusal | None:
        """Apply the faults in force at a statement; return the failure that it is to have itself."""
        if not self._cluster.faults.rules:
            return None
        if statement.may_write:
            self._tables |= statement.tables
        return self._apply("statement", unit)

    def _apply(self, at: Place, unit: Unit) -> Refusal | None:
        failure = None
        for fault in self._cluster.faults.take(at, self._user, self.pid, self._tables):
            self.delay += fault.seconds
            self.cut |= fault.action == "cut_before"
            unit.deaf |= fault.action == "cut_after"
            failure = fault.refusal if fault.action == "fail" else failure
        return failure
