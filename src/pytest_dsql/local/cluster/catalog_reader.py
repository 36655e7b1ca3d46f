"""The catalog as the dialect needs it, read from PostgreSQL's own."""

from dataclasses import replace
from typing import Any, Final, LiteralString

import psycopg

from pytest_dsql.local.cluster.connections import Connection, Row
from pytest_dsql.local.cluster.routines import Routines
from pytest_dsql.local.dialect import Catalog, Column, Table, UniqueIndex, View

READS: Final = 100
"""How often the catalog is read where each time something was dropped meanwhile."""

_CATALOG: Final = """
SELECT c.schema, c.relname, c.kind, c.oid, c.shadow, c.columns, c.unique_indexes, s.view AS shadow_oid,
       s.attnums, (SELECT count(*) FROM pg_index x WHERE x.indrelid = c.oid) AS indexes,
       (SELECT count(*) FROM pg_statistic_ext WHERE stxrelid = c.oid) AS statistics,
       (SELECT coalesce(jsonb_agg(pg_get_expr(conbin, conrelid) ORDER BY conname), '[]')
          FROM pg_constraint WHERE conrelid = c.oid AND contype = 'c') AS checks,
       (SELECT ev_action::text FROM pg_rewrite WHERE ev_class = c.oid AND ev_type = '1') AS rule,
       ARRAY(SELECT DISTINCT d.refobjid::bigint FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
              WHERE c.kind = 'v' AND r.ev_class = c.oid AND d.classid = 'pg_rewrite'::regclass
                AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid) AS reads
  FROM occ.catalog() c LEFT JOIN occ.shadowed s ON s.base = c.oid
"""
_SCHEMAS: Final = (
    "SELECT nspname, format('pg_occ_%s', oid) AS shadow FROM pg_namespace WHERE occ.is_user_schema(nspname)"
)
_OTHERS: Final = """SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE c.relkind = 'S' AND occ.is_user_schema(n.nspname)"""


class CatalogReader:
    """Reads the catalog by a connection of its own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._routines = Routines(connection)
        self._at_work = 0

    @property
    def pid(self) -> int:
        """The process that reads."""
        return self._connection.info.backend_pid

    @property
    def at_work(self) -> bool:
        """Whether a schema change is being read."""
        return self._at_work > 0

    async def read(self, before: Catalog) -> Catalog:
        """Return the catalog as it is; routines that are as ``before`` are not read again."""
        self._at_work += 1
        try:
            return await self._read(before)
        finally:
            self._at_work -= 1

    async def _read(self, before: Catalog) -> Catalog:
        tables: dict[tuple[str, str], Table] = {}
        views: dict[tuple[str, str], View] = {}
        for row in await self._rows(_CATALOG):
            key = (row["schema"], row["relname"])
            if row["rule"]:
                views[key] = View(*key, row["oid"], _columns(row), row["rule"], frozenset(row["reads"]))
            elif row["shadow"]:
                tables[key] = _table(row)
        shadows = {row["nspname"]: row["shadow"] for row in await self._rows(_SCHEMAS)}
        others = frozenset((row["nspname"], row["relname"]) for row in await self._rows(_OTHERS))
        catalog = Catalog(tables, views, frozenset(shadows), shadows, before.routines, others)
        return replace(catalog, routines=await self._routines.read(catalog))

    async def _rows(self, query: LiteralString) -> list[Row]:
        """Run a query, again where the catalog changes meanwhile.

        A function that is to describe a row may find that it was dropped; it waits for schema changes that are open.
        """
        for _ in range(READS - 1):
            try:
                return await (await self._connection.execute(query)).fetchall()
            except (psycopg.errors.InternalError_, psycopg.errors.DeadlockDetected):
                continue
        return await (await self._connection.execute(query)).fetchall()


def _columns(row: dict[str, Any]) -> tuple[Column, ...]:
    return tuple(
        Column(c["name"], c["type"], c["default"], c["generated"], c["always"], c["number"], c["not_null"])
        for c in row["columns"]
    )


def _table(row: dict[str, Any]) -> Table:
    columns = _columns(row)
    names = {column.name for column in columns}
    # The keys of an index that was dropped while it was read are not known any more.
    indexes = tuple(_unique_index(index, names) for index in row["unique_indexes"] if None not in index["keys"])
    return Table(
        schema=row["schema"],
        name=row["relname"],
        shadow_schema=row["shadow"],
        columns=columns,
        unique_indexes=indexes,
        index_count=row["indexes"],
        oid=row["oid"],
        shadow_oid=row["shadow_oid"],
        checks=tuple(row["checks"]),
        statistics=row["statistics"],
        places=tuple(row["attnums"]),
    )


def _unique_index(index: dict[str, Any], names: set[str]) -> UniqueIndex:
    keys = tuple(_column(key, names) for key in index["keys"])
    expressions = tuple(text for text, key in zip(index["keys"], keys, strict=True) if key is None)
    return UniqueIndex(
        index["name"], keys, index["predicate"], index["primary"], index["nulls_not_distinct"], expressions
    )


def _column(key: str, names: set[str]) -> str | None:
    """Return the column that an index's key text names, quoted or not; None for an expression."""
    unquoted = key[1:-1].replace('""', '"') if key.startswith('"') else key
    return unquoted if unquoted in names else None
