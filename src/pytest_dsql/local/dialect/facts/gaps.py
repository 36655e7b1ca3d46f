"""What a cluster has or does that the stand-in does not."""

from typing import Final, NamedTuple


class Gap(NamedTuple):
    """Something that is not reproduced, and where it is known from."""

    what: str
    source: str
    date: str


GAPS: Final = (
    Gap("EXPLAIN: costs are those of PostgreSQL's planner, with what is committed in mind; a scan of storage begins at"
        " about 100 on a cluster, so that a plan may turn to an index at another size", "docs, wild", "2026-10"),
    Gap("EXPLAIN shows what is committed, ANALYZE reads no rows that the session has not committed yet; where it runs a"
        " change, a lock or a routine of a user's, these are seen, and steps between have no actual rows",
        "own", "2026-11"),
    Gap("EXPLAIN ANALYZE counts all rows that a condition removes at the query processor, where a part is evaluated"
        " there and another by storage; rows that storage is expected to give are those of the scan", "own", "2026-11"),
    Gap("EXPLAIN reads a whole table by `Full Scan`, which a cluster may do by `Index Only Scan` of the primary key; an"
        " index that has all columns but the primary key's is followed by a `Storage Lookup`", "docs, wild", "2026-10"),
    Gap("EXPLAIN in formats other than text: the names of the service's nodes and properties are those of the text",
        "own", "2026-11"),
    Gap("EXPLAIN of views of schema `sys` shows a `Result` where they end", "own", "2026-11"),
    Gap("EXPLAIN in a routine's body gives PostgreSQL's own plan, and of a change that it runs the engine's",
        "own", "2026-11"),
    Gap("EXPLAIN has no `Nested Loop (Batched Join)`, no `Limit` of storage", "docs, wild", "2026-10"),
    Gap("the order of rows without ORDER BY is PostgreSQL's", "own", "2026-11"),
    Gap("ON CONFLICT of a view that hides rows or keys of its table", "own", "2026-11"),
    Gap("EXPLAIN ANALYZE VERBOSE estimates no DPUs: its `Statement DPU Estimate` is always 0", "docs", "2026-10"),
    Gap("`dsql.enable_batched_nestloop` can be set and does nothing", "docs", "2026-09"),
    Gap("a query may use more than 128 MiB of memory (54000 or 53200 on a cluster)", "docs, live", "2026-09"),
    Gap("storage: what PostgreSQL uses is measured every few seconds; above the limit (53100) COMMIT of a change of"
        " rows is refused, also where it deletes some", "own", "2026-11"),
    Gap("of schema `sys`: cluster_size, cluster_size_limit, current_transaction_id,"
        " iam_session_user, supported_datatypes, job_err_msg", "live", "2026-09"),
    Gap("`sys.jobs` has no rows for DROP TABLE and for automatic ANALYZE", "rec", "2026-09"),
    Gap("`pg_prepared_statements` is PostgreSQL's own", "live", "2026-09"),
    Gap("streams, and clusters of several Regions", "botocore, skill", "2026-11"),
    Gap("a cluster that wakes up: `unable to accept connection, waking up cluster`", "wild, skill", "2026-10"),
    Gap("a message that is too long ends the connection (observed); docs say 08P01", "docs, live", "2026-09"),
    Gap("latency, throughput and recovery of a distributed service", "own", "2026-11"),
    Gap("an unqualified name in a routine's body is looked up in the search path of its creation, not of its call",
        "own", "2026-11"),
    Gap("DML in a body that is written as SQL (BEGIN ATOMIC) is not told from a read by the rule of DDL and DML",
        "own", "2026-11"),
    Gap("DDL that an EXCEPTION block took back still counts as the transaction's DDL for statements behind it",
        "own", "2026-11"),
    Gap("`@@` of two texts runs, where no operand says that it is one of text search", "own", "2026-11"),
    Gap("a schema change, and what its transaction reads behind it, sees what was committed until it runs",
        "own", "2026-11"),
    Gap("checks, generated columns and index expressions are computed with the rights of a role that reads and writes"
        " all tables and has no others, not with those of who changes a row", "own", "2026-11"),
    Gap("FOR UPDATE in a SECURITY DEFINER routine asks for the rights of its caller", "own", "2026-11"),
    Gap("a view that a routine's body creates is known to that body from its next run on", "own", "2026-11"),
)  # fmt: skip
