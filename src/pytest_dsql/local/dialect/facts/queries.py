"""Queries, locks and upserts."""

from .fact import Fact, unsupported

LOCKING_CLAUSE = unsupported("locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported", "rec")
NO_SUCH_TEXT_SEARCH = Fact("42704", 'text search configuration "{}" does not exist', "rec")
NO_ARBITER = Fact(
    "42P10", "there is no unique or exclusion constraint matching the ON CONFLICT specification", "PostgreSQL"
)
NO_CONSTRAINT = Fact("42704", 'constraint "{}" for table "{}" does not exist', "PostgreSQL")
LOCK_NOT_ALLOWED = unsupported("{} is not allowed with {}", "PostgreSQL")
LOCK_NOT_APPLICABLE = unsupported("{} cannot be applied to {}", "PostgreSQL")
LOCK_VIEW = unsupported(
    '{} of view "{}" is not reproduced by this stand-in: the view does not show the primary key of table "{}"', "own"
)
CURRENT_OF = unsupported("WHERE CURRENT OF is not reproduced by this stand-in", "own", "2026-11")
LOCK_UNKNOWN = Fact("42P01", 'relation "{}" in {} clause not found in FROM clause', "PostgreSQL")
LOCK_QUALIFIED = Fact("42601", "{} must specify unqualified relation names", "PostgreSQL")

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
