"""Tables, columns and sequences."""

from .fact import Fact, unsupported

PERSISTENCE = unsupported("{} table not supported for CREATE TABLE", "rec")
TABLE_CLAUSE = unsupported(
    "{} clause not supported for CREATE TABLE", "live: PARTITION BY, PARTITION OF; others by analogy", "2026-10"
)
CLAUSE = unsupported("{} clause not supported", "rec: TABLESAMPLE; live 2026-10: COLLATE")
DATATYPE = unsupported("datatype {} not supported", "rec")
NO_SUCH_TYPE = Fact("42704", 'type "{}" does not exist', "rec: serial")
DATATYPE_LIMIT = unsupported("Datatype limit greater than {} bytes not supported for {}", "docs; SQLSTATE by analogy")
NUMERIC_PRECISION = Fact("22023", "NUMERIC precision {} must be between 1 and 1000", "guide, skill", "2026-10")
NUMERIC_SCALE = Fact("22023", "NUMERIC scale {} must be between -1000 and 1000", "guide; PostgreSQL's text", "2026-10")

TEMPORARY_SEQUENCE = unsupported("TEMPORARY or TEMP sequence not supported for CREATE SEQUENCE", "analogy")
UNLOGGED_SEQUENCE = unsupported("UNLOGGED sequence not supported for CREATE SEQUENCE", "analogy")
_CACHE_RULE = " without an explicit cache size. please define CACHE greater than or equal to 65536 or equal to 1"
SEQUENCE_CACHE = unsupported("CREATE SEQUENCE is not supported" + _CACHE_RULE, "rec")
IDENTITY_CACHE = unsupported("identity column is not supported" + _CACHE_RULE, "rec")
CACHE_SIZE = Fact(
    "22023",
    "CACHE ({}) must be greater than or equal to 65536 or equal to 1",
    "suite: class 22 and the words; SQLSTATE and bracket by analogy with PostgreSQL's CACHE (0)",
    "2026-10",
)
IDENTITY_TYPE = unsupported("datatype {} not supported, identity column type must be bigint", "rec")
SEQUENCE_TYPE = Fact(
    "22023", "sequence type must be bigint", "suite: class 22 and the words; SQLSTATE as PostgreSQL's", "2026-10"
)

ADD_COLUMN = unsupported("ALTER TABLE ADD COLUMN with constraint not supported", "rec")
ALTER_TABLE = unsupported("unsupported ALTER TABLE {} statement", "rec, live")
DROP_KEY_COLUMN = unsupported("cannot drop primary key column {}", "rec")
EXCLUSION = unsupported("EXCLUDE constraint not supported", "docs: none exist; text by analogy")

MAX_PRECISION, MIN_SCALE, MAX_SCALE, DEFAULT_NUMERIC = 1000, -1000, 1000, "(18,6)"
MAX_LENGTHS = {"bpchar": (4096, "char"), "varchar": (65535, "varchar")}
MIN_BIG_CACHE = 65536
