"""What DSQL refuses and how it says so, as dated data.

Sources: `rec` = answers of a real cluster recorded by the public dsql-emulator project, 2026-09-15..18;
`docs` = AWS user guide; `skill` = AWS agent plugin "dsql", 2026-10; `lint` = cluster tests of AWS dsql-lint,
2026-08-07; `live` = other public live-cluster protocols, 2026-07..09; `analogy` = no text is on record, the
wording follows a recorded sibling; `own` = a limit of the stand-in, not of the service. Rules look texts up here and
nowhere else.
"""

from typing import NamedTuple

from .statement import Refusal

FEATURE_NOT_SUPPORTED = "0A000"


class Fact(NamedTuple):
    """A refusal's SQLSTATE, its message (a format string) and where it is known from."""

    sqlstate: str
    message: str
    source: str

    def refusal(self, *args: object, position: int | None = None) -> Refusal:
        """The refusal with its blanks filled; `position` counts from 0 here."""
        at = None if position is None or position < 0 else position + 1
        return Refusal(self.sqlstate, self.message.format(*args), position=at)


def unsupported(message: str, source: str) -> Fact:
    """A fact with the usual SQLSTATE."""
    return Fact(FEATURE_NOT_SUPPORTED, message, source)


# Statements that are refused by a text of their own; every other one DSQL does not know is refused by the
# name of its parse node.
NODE_TEXTS = {
    "CreateTrig": unsupported("CREATE TRIGGER not supported", "rec"),
    "CreateEnum": unsupported("CREATE TYPE not supported", "rec"),
    "AlterEnum": unsupported("ALTER TYPE not supported", "rec"),
    "AlterType": unsupported("ALTER TYPE not supported", "rec; form by analogy"),
    "Merge": unsupported("unsupported statement type: MERGE", "rec"),
}
UNSUPPORTED_STATEMENT = unsupported("unsupported statement: {}", "rec, skill, live: Truncate, Listen, Do, Lock ...")
VACUUM = unsupported("unsupported VACUUM statement", "rec")
PROCEDURE = unsupported("PROCEDURE is not supported", "skill, live")
FUNCTION_LANGUAGE = unsupported("CREATE FUNCTION with language {} not supported", "rec")
CALL_SUBQUERY = unsupported("cannot use subquery in CALL argument", "rec")

DROP_OBJECT = unsupported("unsupported object in DROP statement", "rec")
RENAME_OBJECT = unsupported("unsupported object in RENAME statement", "rec")
OWNER_OBJECT = unsupported("unsupported object in ALTER OWNER statement", "analogy")
SCHEMA_OBJECT = unsupported("unsupported object in ALTER SCHEMA statement", "analogy")
GRANT_SYSTEM = unsupported("feature not supported on system entity", "live 2026-09")
GRANT_OBJECT = unsupported("unsupported object type in GRANT", "skill")
ROLE_OPTION = unsupported("unsupported role option: {}", "lint refuses PASSWORD; text by analogy")

TRANSACTION_STATEMENT = unsupported("unsupported transaction statement: {}", "rec: SAVEPOINT, ROLLBACK TO")
ISOLATION_LEVEL = unsupported("Unsupported isolation level: {}", "rec")
SETTING = unsupported('setting configuration parameter "{}" not supported', "rec, live")
LOCKING_CLAUSE = unsupported("locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported", "rec")

PERSISTENCE = unsupported("{} table not supported for CREATE TABLE", "rec")
TEMPORARY_VIEW = unsupported("TEMPORARY or TEMP view not supported for CREATE VIEW", "analogy")
TEMPORARY_SEQUENCE = unsupported("TEMPORARY or TEMP sequence not supported for CREATE SEQUENCE", "analogy")
UNLOGGED_SEQUENCE = unsupported("UNLOGGED sequence not supported for CREATE SEQUENCE", "analogy")
CLAUSE = unsupported("{} clause not supported", "rec: TABLESAMPLE; skill: PARTITION BY; others by analogy")
DATATYPE = unsupported("datatype {} not supported", "rec")
NO_SUCH_TYPE = Fact("42704", 'type "{}" does not exist', "rec: serial")
NO_SUCH_TEXT_SEARCH = Fact("42704", 'text search configuration "{}" does not exist', "rec")
DATATYPE_LIMIT = unsupported("Datatype limit greater than {} bytes not supported for {}", "docs; SQLSTATE by analogy")
NUMERIC_PRECISION = Fact("22023", "NUMERIC precision {} must be between 1 and 38", "live: SQLSTATE; text by analogy")
NUMERIC_SCALE = Fact("22023", "NUMERIC scale {} must be between 0 and 37", "docs: limit; text by analogy")

CACHE_RULE = " without an explicit cache size. please define CACHE greater than or equal to 65536 or equal to 1"
SEQUENCE_CACHE = unsupported("CREATE SEQUENCE is not supported" + CACHE_RULE, "rec")
IDENTITY_CACHE = unsupported("identity column is not supported" + CACHE_RULE, "rec")
IDENTITY_TYPE = unsupported("datatype {} not supported, identity column type must be bigint", "rec")
SEQUENCE_TYPE = unsupported("datatype {} not supported, sequence type must be bigint", "lint refuses; text by analogy")

ADD_COLUMN = unsupported("ALTER TABLE ADD COLUMN with constraint not supported", "rec")
ALTER_TABLE = unsupported("unsupported ALTER TABLE {} statement", "rec, live")
DROP_KEY_COLUMN = unsupported("cannot drop primary key column {}", "rec")
DROP_KEY = unsupported("cannot drop primary key constraint {}", "docs: a key is for ever; text by analogy")
EXCLUSION = unsupported("EXCLUDE constraint not supported", "docs: none exist; text by analogy")

INDEX_MODE = unsupported("unsupported mode. please use CREATE INDEX ASYNC.", "rec")
INDEX_CLAUSE = unsupported("{} not supported for CREATE INDEX", "live, skill")
INDEX_SORT = unsupported("specifying sort order not supported for index keys", "live, skill")
INDEX_OPCLASS = unsupported("opclass not supported for index keys", "live, skill")
KEY_TYPE = unsupported("datatype {} is not supported in a key", "live, skill")

KEY_COLUMNS = Fact("54011", "more than 8 column keys in an index are not supported", "docs")
TABLE_COLUMNS = Fact("54011", "tables can have at most 255 columns", "docs")
TABLE_INDEXES = Fact("54000", "more than 24 indexes per table are not allowed", "docs")
SCHEMAS = Fact("54000", "more than 10 schemas not allowed", "docs")
TABLES = Fact("54000", "creating more than 1000 tables not allowed", "docs")
VIEWS = Fact("54000", "creating more than 5000 views not allowed", "docs")

NO_ARBITER = Fact(
    "42P10", "there is no unique or exclusion constraint matching the ON CONFLICT specification", "PostgreSQL"
)
NO_CONSTRAINT = Fact("42704", 'constraint "{}" for table "{}" does not exist', "PostgreSQL")
LOCK_NOT_ALLOWED = unsupported("{} is not allowed with {}", "PostgreSQL")
LOCK_NOT_APPLICABLE = unsupported("{} cannot be applied to {}", "PostgreSQL")
LOCK_VIEW = unsupported(
    '{} of view "{}" is not reproduced by this stand-in: the view does not show the primary key of table "{}"', "own"
)
LOCK_UNKNOWN = Fact("42P01", 'relation "{}" in {} clause not found in FROM clause', "PostgreSQL")
LOCK_QUALIFIED = Fact("42601", "{} must specify unqualified relation names", "PostgreSQL")
COPY_FILE = Fact("42501", "permission denied to COPY {} a file", "lint refuses; PostgreSQL 16 text")
COPY_PROGRAM = Fact("42501", "permission denied to COPY {} an external program", "PostgreSQL 16")
SYNTAX = Fact("42601", 'syntax error at or near "{}"', "PostgreSQL")
STACK_DEPTH = Fact("54001", "stack depth limit exceeded", "PostgreSQL")
SYNTAX_AT_END = Fact("42601", "syntax error at end of input", "PostgreSQL")

# Statements DSQL runs (AWS's published grammar, plus what `rec` shows beyond it).
KNOWN_STATEMENTS = frozenset(
    [
        "Select",
        "Insert",
        "Update",
        "Delete",
        "Transaction",
        "VariableSet",
        "VariableShow",
        "ConstraintsSet",
        "Explain",
        "Copy",
        "Call",
        "Create",
        "AlterTable",
        "Index",
        "View",
        "CreateSeq",
        "AlterSeq",
        "CreateSchema",
        "CreateDomain",
        "AlterDomain",
        "CreateRole",
        "AlterRole",
        "AlterRoleSet",
        "DropRole",
        "CreateFunction",
        "Drop",
        "Rename",
        "AlterOwner",
        "AlterObjectSchema",
        "Comment",
        "Grant",
        "GrantRole",
        "AlterDefaultPrivileges",
        "Vacuum",
        "Deallocate",
        "CreateStats",
        "AlterStats",
    ]
)

DROPPABLE = frozenset(["TABLE", "VIEW", "INDEX", "SEQUENCE", "SCHEMA", "DOMAIN", "FUNCTION", "STATISTIC_EXT"])
RENAMABLE = frozenset(
    [
        "TABLE",
        "COLUMN",
        "TABCONSTRAINT",
        "VIEW",
        "SEQUENCE",
        "INDEX",
        "SCHEMA",
        "DOMAIN",
        "DOMCONSTRAINT",
        "FUNCTION",
        "ROLE",
        "STATISTIC_EXT",
    ]
)
OWNABLE = frozenset(["SCHEMA", "DOMAIN", "FUNCTION", "STATISTIC_EXT", "SEQUENCE", "TABLE", "VIEW"])
MOVABLE = frozenset(["TABLE", "VIEW", "SEQUENCE", "DOMAIN", "FUNCTION", "STATISTIC_EXT"])
GRANTABLE = frozenset(["TABLE", "COLUMN", "SEQUENCE", "SCHEMA", "FUNCTION", "DOMAIN"])
SYSTEM_SCHEMAS = frozenset({"public", "sys", "pg_catalog", "information_schema"})

# docs, live: settings a session may set; every planner switch enable_* belongs to them.
SETTABLE = frozenset(
    [
        "application_name",
        "client_encoding",
        "datestyle",
        "extra_float_digits",
        "intervalstyle",
        "timezone",
        "search_path",
        "dsql.enable_batched_nestloop",
        "disable_sync_create_index",
    ]
)
SETTABLE_PREFIX = "enable_"
# rec 2026-09: what the server says of itself.
# exp: max_connections, which says nothing of the quota.
FIXED_SETTINGS = {
    "server_version": "16.15",
    "server_version_num": "160015",
    "max_connections": "20",
    "transaction_isolation": "repeatable read",
}
# PostgreSQL takes an unknown setting only with a dot in its name.
RENAMED_SETTINGS = {"disable_sync_create_index": "dsql.disable_sync_create_index"}
# rec: functions whose answer differs from PostgreSQL's; the stand-in has its own under `sys`.
REDIRECTED_FUNCTIONS = frozenset({"version", "current_database"})

# rec: types whose values are refused in queries too.
REFUSED_VALUES = frozenset({"line", "circle"})
TEXT_SEARCH_CONFIGURATION = "simple"
# Functions of text search by the number of arguments at which the first one is a configuration.
TEXT_SEARCH_FUNCTIONS = {
    "to_tsvector": 2,
    "to_tsquery": 2,
    "plainto_tsquery": 2,
    "phraseto_tsquery": 2,
    "websearch_to_tsquery": 2,
    "json_to_tsvector": 3,
    "jsonb_to_tsvector": 3,
    "ts_headline": 4,
}
MAX_KEY_COLUMNS, MAX_COLUMNS, MAX_INDEXES, MAX_SCHEMAS, MAX_TABLES, MAX_VIEWS = 8, 255, 24, 10, 1000, 5000
MAX_PRECISION, MAX_SCALE, DEFAULT_NUMERIC = 38, 37, "(18,6)"
MAX_LENGTHS = {"bpchar": (4096, "char"), "varchar": (65535, "varchar")}
MIN_BIG_CACHE = 65536
