"""Sizes and statistics of tables, taken before a plan is made, as the service has them taken behind the scenes.

PostgreSQL knows nothing of a table that nobody has analysed, and takes it for one of ten pages.
"""

from collections.abc import Collection
from typing import Final

from psycopg import sql

from pytest_dsql.local.cluster.connections import connect

SMALL: Final = 100
"""Pages up to which a table is looked at each time; a larger one where its size is another."""
_STALE: Final = """
SELECT c.oid::regclass::text AS name FROM pg_class c
 WHERE c.relkind = 'r' AND (c.oid = ANY (%(relations)s) OR c.oid IN (
           SELECT base FROM occ.shadowed WHERE view = ANY (%(relations)s)))
   AND (c.reltuples < 0 OR c.relpages < %(small)s
        OR c.relpages <> pg_relation_size(c.oid) / current_setting('block_size')::int)"""


async def measure(url: str, relations: Collection[int]) -> None:
    """Have PostgreSQL know the tables among ``relations`` as they are; one that is busy stays as it is known."""
    async with await connect(url) as connection:
        found = await connection.execute(_STALE, {"relations": list(relations), "small": SMALL})
        for row in await found.fetchall():
            await connection.execute(sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(sql.SQL(row["name"])))
