"""Proposed rows that may be in each other's way by several keys: which of them DO NOTHING leaves out.

A row that is left out is in nobody's way, so each has to be looked at after those before it. A row's keys are numbers
here, the same for equal keys; the rows that came in so far are arrays of these numbers.
"""

# The text put together here is the user's own statement, for the user's own rights.
# ruff: noqa: S608

from .arbiter import Arbiter


def one_by_one(given: str, arbiters: list[Arbiter]) -> str:
    """The FROM item `given`, called `pg_occ_given` and numbered by `pg_occ_n`, without the rows that are left out."""
    numbers = range(len(arbiters))
    keys = ", ".join(_key(arbiter, number) for number, arbiter in enumerate(arbiters))
    none = ", ".join(f"'{{}}'::bigint[] AS keys{n}" for n in numbers)
    grown = ", ".join(
        f"CASE WHEN it.comes THEN so_far.keys{n} || new.pg_occ_key{n} ELSE so_far.keys{n} END" for n in numbers
    )
    free = " AND ".join(f"(new.pg_occ_key{n} = ANY (so_far.keys{n})) IS NOT TRUE" for n in numbers)
    return (
        f"(WITH RECURSIVE new AS MATERIALIZED (SELECT pg_occ_given.*, {keys},"
        f" row_number() OVER (ORDER BY pg_occ_given.pg_occ_n) AS pg_occ_turn FROM {given}),"
        f" so_far AS (SELECT 0::bigint AS turn, false AS comes, {none}"
        f" UNION ALL SELECT new.pg_occ_turn, it.comes, {grown}"
        " FROM so_far JOIN new ON new.pg_occ_turn = so_far.turn + 1"
        f" CROSS JOIN LATERAL (SELECT {free} AS comes) AS it)"
        " SELECT new.* FROM new JOIN so_far ON so_far.turn = new.pg_occ_turn AND so_far.comes) AS pg_occ_given"
    )


def _key(arbiter: Arbiter, number: int) -> str:
    rank = f"dense_rank() OVER (ORDER BY {arbiter.keys('pg_occ_given')})"
    return f"CASE WHEN {arbiter.applies('pg_occ_given')} THEN {rank} END AS pg_occ_key{number}"
