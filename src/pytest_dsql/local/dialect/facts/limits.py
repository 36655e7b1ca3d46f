"""Limits."""

from .fact import Fact, unsupported

KEY_COLUMNS = Fact("54011", "more than 8 column keys in an index are not supported", "docs")
TABLE_COLUMNS = Fact("54011", "tables can have at most 255 columns", "docs")
TABLE_INDEXES = Fact("54000", "more than 24 indexes per table are not allowed", "docs")
SCHEMAS = Fact("54000", "more than 10 schemas not allowed", "docs")
TABLES = Fact("54000", "creating more than 1000 tables not allowed", "docs")
VIEWS = Fact("54000", "creating more than 5000 views not allowed", "docs")
ROWS = Fact("54000", "transaction row limit exceeded", "rec: at row 3,001")
SIZE = Fact("54000", "transaction size limit 10mb exceeded", "live, skill: at COMMIT")
STORAGE = Fact("53100", "Current cluster size exceeds cluster size limit.", "docs: the class and the words", "2026-10")
STACK_DEPTH = Fact("54001", "stack depth limit exceeded", "skill; PostgreSQL's own", "2026-10")

KEY_SIZE = Fact("54000", "key size too large", "docs, live: at about 1,981 bytes")
DECLARED_KEY_SIZE = unsupported("key size greater than 2000 bytes not supported", "live; SQLSTATE by analogy")
ROW_SIZE = Fact("54000", "maximum row size exceeded", "docs: above 2 MiB")
VALUE_SIZE = Fact(
    "54000",
    "datatype limit greater than 1048576 bytes not supported for {}",
    "live; SQLSTATE: docs, whose text is `maximum column size exceeded`; after compression",
)
VIEW_SIZE = Fact("54000", "view definition too large", "docs: above 2 MiB")
COLUMNS_EVER = Fact("54011", "tables can have at most 1600 columns", "skill; PostgreSQL's own", "2026-10")
SEQUENCES = Fact("54000", "creating more than 5000 sequences is not allowed", "skill", "2026-10")
STATISTICS = Fact("54000", "more than 5 extended statistics per table are not allowed", "skill", "2026-10")
STATISTICS_TARGET = Fact("22023", "statistics target {} exceeds maximum allowed value of 100", "skill", "2026-10")

MAX_DECLARED_KEY, MAX_VIEW_SIZE, MAX_SEQUENCES, MAX_STATISTICS, MAX_TARGET = 2000, 2 * 1024 * 1024, 5000, 5, 100
MAX_KEY_COLUMNS, MAX_COLUMNS, MAX_INDEXES, MAX_SCHEMAS, MAX_TABLES, MAX_VIEWS = 8, 255, 24, 10, 1000, 5000
