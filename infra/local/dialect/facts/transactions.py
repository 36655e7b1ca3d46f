"""Transactions."""

from .fact import Fact, unsupported

MULTIPLE_DDL = unsupported("multiple ddl statements not supported in a transaction", "rec")
DDL_AND_DML = unsupported("ddl and dml are not supported in the same transaction", "rec")
TRANSACTION_STATEMENT = unsupported("unsupported transaction statement: {}", "rec: SAVEPOINT, ROLLBACK TO")
ISOLATION_LEVEL = unsupported("Unsupported isolation level: {}", "rec")
READ_ONLY = Fact("25006", "cannot execute {} in a read-only transaction", "live; PostgreSQL's own", "2026-10")
