"""What the front has to know of the database: tables, their keys and defaults, and views."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `default` is the text of its default expression."""

    name: str
    type: str
    default: str | None = None
    generated: bool = False
    identity: bool = False


@dataclass(frozen=True, slots=True)
class UniqueIndex:
    """A unique index; `columns` are its key columns, None where a key is one of its `expressions`."""

    name: str
    columns: tuple[str | None, ...]
    predicate: str | None = None
    primary: bool = False
    nulls_not_distinct: bool = False
    expressions: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        """True when it does not cover the whole table."""
        return self.predicate is not None


@dataclass(frozen=True)
class Table:
    """A user's table and the schema that holds its shadow view."""

    schema: str
    name: str
    shadow_schema: str
    columns: tuple[Column, ...] = ()
    unique_indexes: tuple[UniqueIndex, ...] = ()
    index_count: int = 0

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Columns by name."""
        return {column.name: column for column in self.columns}

    @property
    def primary_key(self) -> tuple[str | None, ...]:
        """The key columns of the primary key, empty without one."""
        return next((index.columns for index in self.unique_indexes if index.primary), ())


@dataclass(frozen=True)
class Catalog:
    """A snapshot of the cluster's catalog; `version` is the caller's cache key."""

    version: int = 0
    tables: Mapping[tuple[str, str], Table] = field(default_factory=dict)
    views: frozenset[tuple[str, str]] = frozenset()
    schemas: frozenset[str] = frozenset()

    def resolve(self, name: str, search_path: tuple[str, ...]) -> Table | None:
        """The user table an unqualified name means; a view of that name in front of it hides it."""
        if name.startswith("pg_"):
            return None
        for schema in search_path:
            if (schema, name) in self.views:
                return None
            table = self.tables.get((schema, name))
            if table is not None:
                return table
        return None

    def find(self, schema: str | None, name: str, search_path: tuple[str, ...]) -> Table | None:
        """The user table a possibly qualified name means."""
        return self.tables.get((schema, name)) if schema else self.resolve(name, search_path)
