"""Limits."""

from .fact import Fact

KEY_COLUMNS = Fact("54011", "more than 8 column keys in an index are not supported", "docs")
TABLE_COLUMNS = Fact("54011", "tables can have at most 255 columns", "docs")
TABLE_INDEXES = Fact("54000", "more than 24 indexes per table are not allowed", "docs")
SCHEMAS = Fact("54000", "more than 10 schemas not allowed", "docs")
TABLES = Fact("54000", "creating more than 1000 tables not allowed", "docs")
VIEWS = Fact("54000", "creating more than 5000 views not allowed", "docs")
ROWS = Fact("54000", "transaction row limit exceeded", "rec: at row 3,001")
SIZE = Fact("54000", "transaction size limit 10mb exceeded", "live, skill: at COMMIT")
STACK_DEPTH = Fact("54001", "stack depth limit exceeded", "skill; PostgreSQL's own", "2026-10")

MAX_KEY_COLUMNS, MAX_COLUMNS, MAX_INDEXES, MAX_SCHEMAS, MAX_TABLES, MAX_VIEWS = 8, 255, 24, 10, 1000, 5000
