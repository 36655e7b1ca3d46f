"""What is in a cluster's tables: read, compared, and put back as it was."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from pytest_dsql.retry import retried

_TABLES: Final = """
SELECT n.nspname::text, c.relname::text, array_agg(a.attname::text ORDER BY a.attnum)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relkind = 'r' AND n.nspname NOT IN ('information_schema', 'sys') AND n.nspname NOT LIKE 'pg\\_%'
   AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
 GROUP BY n.nspname, c.relname, c.oid ORDER BY c.oid
"""
_SEQUENCES: Final = "SELECT schemaname::text, sequencename::text, last_value FROM pg_sequences ORDER BY 1, 2"

Connection = psycopg.Connection[tuple[Any, ...]]
Row = tuple[str | None, ...]
Rows = Counter[Row]


@dataclass(frozen=True, slots=True)
class TableContents:
    """A user's table and its columns, but for generated ones."""

    schema: str
    name: str
    columns: tuple[str, ...]

    @property
    def identifier(self) -> sql.Identifier:
        """Its name in a statement."""
        return sql.Identifier(self.schema, self.name)

    @property
    def text(self) -> str:
        """Its name as people write it."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Contents:
    """The rows of all tables, each value as text, by the order in which the tables were made; and the sequences."""

    tables: dict[TableContents, Rows]
    sequences: list[tuple[Any, ...]]

    def chosen(self, columns: Mapping[str, Sequence[str]]) -> dict[str, list[Row]]:
        """Return the rows of all tables, sorted; of those that ``columns`` names, these columns alone."""
        found = {}
        for table, rows in self.tables.items():
            places = [table.columns.index(name) for name in columns.get(table.text, table.columns)]
            if places:
                picked = [tuple(row[at] for at in places) for row in rows.elements()]
                found[table.text] = sorted(picked, key=repr)
        return found

    def check(self, columns: Mapping[str, Sequence[str]]) -> None:
        """Raise ValueError where there is no such table or column."""
        known = {table.text: table.columns for table in self.tables}
        for table, names in columns.items():
            if table not in known:
                raise ValueError(f"columns: there is no table {table}; there are {', '.join(known) or 'none'}")
            for name in names:
                if name not in known[table]:
                    raise ValueError(f"columns: {table} has no column {name}; it has {', '.join(known[table])}")


def read(connection: Connection) -> Contents:
    """Read all that is committed; meanwhile nobody commits."""
    return retried(lambda: _read(connection))


def _read(connection: Connection) -> Contents:
    found = connection.execute(_TABLES).fetchall()
    tables = [TableContents(schema, name, tuple(columns)) for schema, name, columns in found]
    return Contents(_rows(connection, tables), connection.execute(_SEQUENCES).fetchall())


def _rows(connection: Connection, tables: Iterable[TableContents]) -> dict[TableContents, Rows]:
    return {table: Counter(connection.execute(_select(table)).fetchall()) for table in tables}


def _select(table: TableContents) -> sql.Composed:
    columns = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in table.columns)
    return sql.SQL("SELECT {} FROM {}").format(columns, table.identifier)


def put_back(connection: Connection, now: Contents, then: Contents) -> bool:
    """Let all tables hold what they held, in one transaction; return whether they do.

    They do not where more has changed than rows, or where rows that refer to each other would not let them.
    """
    if now == then:
        return True
    if now.tables.keys() != then.tables.keys() or now.sequences != then.sequences:
        return False
    changes = [*_deletes(now, then), *_inserts(now, then)]
    try:
        connection.execute(sql.SQL("; ").join(changes))
        return _rows(connection, then.tables) == then.tables
    except psycopg.Error:
        return False


def _differing(now: Contents, then: Contents, table: TableContents) -> list[Row]:
    before, after = then.tables[table], now.tables[table]
    return [row for row in before | after if before[row] != after[row]]


def _deletes(now: Contents, then: Contents) -> Iterator[sql.Composed]:
    """Yield what takes all rows away of which there are too many or too few: first of those that refer to others."""
    for table in reversed(then.tables):
        for row in _differing(now, then, table):
            same = (
                sql.SQL("{}::text IS NOT DISTINCT FROM {}").format(sql.Identifier(name), sql.Literal(value))
                for name, value in zip(table.columns, row, strict=True)
            )
            yield sql.SQL("DELETE FROM {} WHERE {}").format(table.identifier, sql.SQL(" AND ").join(same))


def _inserts(now: Contents, then: Contents) -> Iterator[sql.Composed]:
    for table, rows in then.tables.items():
        wanted = [row for row in _differing(now, then, table) for _ in range(rows[row])]
        if wanted:
            names = sql.SQL(", ").join(map(sql.Identifier, table.columns))
            values = sql.SQL(", ").join(map(_values, wanted))
            insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES {}")
            yield insert.format(table.identifier, names, values)


def _values(row: Row) -> sql.Composed:
    return sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, row)))
