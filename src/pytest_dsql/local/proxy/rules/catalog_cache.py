"""What a session has cached of the catalog, and which statements a change made elsewhere costs an OC001.

The rule, as AWS documents it and as AWS's own integration tests show it on live clusters:

- A session that has a cached copy of the catalog at an earlier version can receive OC001 when it next interacts with
  storage; the retry passes. (User guide, looked up 2026-11-28.)
- A session that has run nothing has no cached catalog. So its first statement passes. (AWS connectors' pool tests,
  2026-08-19.)
- A look into the catalogs and DDL bring a session up to date. A table that the session has not used before is looked up
  anew, which does the same. What touches no storage (BEGIN, SHOW, SELECT 1) is no occasion. (AWS ORM adapters' tests,
  2026-10; they run on a fresh cluster without a retry.)
- A session's own DDL and the end of its own asynchronous job are no news to it. (The same tests.)
- What is left: a statement on a table or view that the session has used before, where another session has changed the
  catalog since, and COMMIT of a transaction that was open at the change and had used one. GRANT and REVOKE are such
  changes, and so is the end of an index build. (User guide.)

"Can" is not "must". This module raises it wherever it is documented, and then once. ``strict`` raises it at any
statement that needs the catalog, whatever was used before: AWS's agent skill of 2026-10 describes this worst case.
"""

from typing import Final

from pytest_dsql.local.dialect import Catalog, Kind, Statement

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
"""Statements that look nothing up in the catalog."""


class CatalogCache:
    """The cache of one session. ``strict`` says whether the worst case holds."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self._used: frozenset[int] = frozenset()
        self._outdated: Catalog | None = None
        self._touched = self._lost = False

    @property
    def touched(self) -> bool:
        """Whether the open transaction has used a table."""
        return self._touched

    @property
    def current(self) -> bool:
        """Whether no statement needs a closer look."""
        return self._outdated is None and not self._lost

    def changed(self, before: Catalog) -> None:
        """Learn that another session has changed the catalog, which was ``before``."""
        if self._outdated is None and (self._used or self.strict):
            self._outdated = before
        self._lost = self._lost or self._touched

    def lose(self) -> None:
        """Learn that what the open transaction did is gone."""
        self._lost = True

    def conflicts(self, statement: Statement) -> bool:
        """Say whether the statement gets OC001 here and now."""
        if self.current:
            return False
        if statement.kind is Kind.COMMIT:
            return self._lost
        if self.strict:
            return statement.kind not in _WITHOUT_CATALOG
        if statement.counts_as_ddl:
            return False
        known = self._known(statement)
        return bool(known | statement.relations) if self._lost else bool(known & self._used)

    def take(self, statement: Statement) -> None:
        """Note a statement that runs, or gets its OC001: what it looks up is up to date behind it."""
        if self._outdated is not None and self._looks_up(statement):
            self._outdated = None
        if statement.relations:
            self.use(statement.relations)
        elif self.strict and statement.kind not in _WITHOUT_CATALOG:
            self._touched = True

    def use(self, relations: frozenset[int]) -> None:
        """Note that the open transaction uses relations, which a session that is up to date has in its cache then."""
        self._touched = True
        if not relations <= self._used:
            self._used |= relations

    def _looks_up(self, statement: Statement) -> bool:
        if statement.kind is Kind.COMMIT:
            return self._lost
        if self.strict:
            return statement.kind not in _WITHOUT_CATALOG
        return bool(statement.names) or statement.counts_as_ddl

    def transaction_ended(self) -> None:
        """Forget what concerned the transaction alone."""
        self._touched = self._lost = False

    def _known(self, statement: Statement) -> frozenset[int]:
        """Return what the statement's names mean in the catalog as the session has it."""
        return self._outdated.numbers(statement.names) if self._outdated else frozenset()
