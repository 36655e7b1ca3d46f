"""Plans that EXPLAIN shows.

`docs`, 2025-12: which scans there are, and what storage evaluates itself; the walk-through's source, 2025-11, and
`wild`, plans of live clusters of 2026-10: how they are written. Estimates of storage are those of the scan above it.
"""

from decimal import Decimal

FULL_SCAN = "Full Scan (btree-table)"
# docs: no bitmap scans, and no scans of a heap's places; wild: no parallel ones either.
PLANNER_SETTINGS = {
    "enable_bitmapscan": "off",
    "enable_material": "on",
    "enable_tidscan": "off",
    "max_parallel_workers_per_gather": "0",
}
# docs, wild: storage compares a column with a constant, LIKE and rows are the query processor's, and so is numeric.
STORAGE_OPERATORS = ("=", "<>", "<", "<=", ">", ">=")
NOT_IN_STORAGE = "numeric"
# docs, 2026-10: what EXPLAIN ANALYZE VERBOSE tells besides.
QUERY_IDENTIFIER_LENGTH = 13
DPU_UNITS = ("Compute", "Read", "Write", "Total")
DPU_NOT_KNOWN = Decimal("0.00000")
