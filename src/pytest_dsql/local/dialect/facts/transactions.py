"""Transactions."""

from .fact import Fact, unsupported

MULTIPLE_DDL = unsupported("multiple ddl statements not supported in a transaction", "rec")
DDL_AND_DML = unsupported("ddl and dml are not supported in the same transaction", "rec; the reverse order: docs")
DATA_CONFLICT = Fact("40001", "change conflicts with another transaction (OC000)", "rec")
SCHEMA_CONFLICT = Fact(
    "40001", "schema has been updated by another transaction (OC001)", "docs, skill, wild", "2026-10"
)
AGE = Fact("54000", "transaction age limit of {:g}s exceeded", "live, wild")
TRANSACTION_STATEMENT = unsupported("unsupported transaction statement: {}", "rec: SAVEPOINT, ROLLBACK TO")
ISOLATION_LEVEL = unsupported("Unsupported isolation level: {}", "rec")
READ_ONLY = Fact("25006", "cannot execute {} in a read-only transaction", "live; PostgreSQL's own", "2026-10")
