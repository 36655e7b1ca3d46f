"""Indexes and keys."""

from .fact import unsupported

INDEX_MODE = unsupported("unsupported mode. please use CREATE INDEX ASYNC.", "rec")
INDEX_CLAUSE = unsupported("{} not supported for CREATE INDEX", "live, skill")
INDEX_SORT = unsupported("specifying sort order not supported for index keys", "live, skill")
INDEX_OPCLASS = unsupported("opclass not supported for index keys", "live, skill")
KEY_TYPE = unsupported("datatype {} is not supported in a key", "live, skill")
DROP_CONCURRENTLY = unsupported("DROP INDEX CONCURRENTLY must be first action in transaction", "live", "2026-10")
