"""Proposed rows that may be in each other's way by several keys: which of them DO NOTHING leaves out.

A row that is left out is in nobody's way, so each has to be looked at after those before it. A row's keys are numbers
here, the same for equal keys; the rows that came in so far are arrays of these numbers.
"""

# The text put together here is the user's own statement, for the user's own rights.
# ruff: noqa: S608

from pytest_dsql.local.dialect.upsert.arbiters import Arbiter


def one_by_one(given: str, arbiters: list[Arbiter]) -> str:
    """The FROM item `given`, called `pg_occ_given` and numbered by `pg_occ_n`, without the rows that are left out."""
    numbers = range(len(arbiters))
    keys = ", ".join(_key(arbiter, number) for number, arbiter in enumerate(arbiters))
    none = ", ".join(f"'{{}}'::bigint[] AS keys{n}" for n in numbers)
    grown = ", ".join(
        f"CASE WHEN pg_occ_it.comes THEN pg_occ_so_far.keys{n} || pg_occ_each.pg_occ_key{n}"
        f" ELSE pg_occ_so_far.keys{n} END"
        for n in numbers
    )
    free = " AND ".join(f"(pg_occ_each.pg_occ_key{n} = ANY (pg_occ_so_far.keys{n})) IS NOT TRUE" for n in numbers)
    return (
        f"(WITH RECURSIVE pg_occ_each AS MATERIALIZED (SELECT pg_occ_given.*, {keys},"
        f" row_number() OVER (ORDER BY pg_occ_given.pg_occ_n) AS pg_occ_turn FROM {given}),"
        f" pg_occ_so_far AS (SELECT 0::bigint AS turn, false AS comes, {none}"
        f" UNION ALL SELECT pg_occ_each.pg_occ_turn, pg_occ_it.comes, {grown}"
        " FROM pg_occ_so_far JOIN pg_occ_each ON pg_occ_each.pg_occ_turn = pg_occ_so_far.turn + 1"
        f" CROSS JOIN LATERAL (SELECT {free} AS comes) AS pg_occ_it)"
        " SELECT pg_occ_each.* FROM pg_occ_each JOIN pg_occ_so_far"
        " ON pg_occ_so_far.turn = pg_occ_each.pg_occ_turn AND pg_occ_so_far.comes) AS pg_occ_given"
    )


def _key(arbiter: Arbiter, number: int) -> str:
    rank = f"dense_rank() OVER (ORDER BY {arbiter.keys('pg_occ_given')})"
    return f"CASE WHEN {arbiter.applies('pg_occ_given')} THEN {rank} END AS pg_occ_key{number}"
