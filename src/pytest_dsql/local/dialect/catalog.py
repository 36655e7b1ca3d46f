"""What the front has to know of the database: tables, their keys and defaults, and views."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from pytest_dsql.local.dialect.statement import RelationName


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `default` is the text of its default expression, `number` its place in the view that has it.

    The value of an `identity` column is always the server's to give.
    """

    name: str
    type: str
    default: str | None = None
    generated: bool = False
    identity: bool = False
    number: int = 0
    not_null: bool = False


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
    """A user's table and the schema that holds its shadow view; `checks` are the conditions its rows must fulfil.

    `places` are the numbers of its columns in the order of the view, `statistics` is the number of its extended ones.
    """

    schema: str
    name: str
    shadow_schema: str
    columns: tuple[Column, ...] = ()
    unique_indexes: tuple[UniqueIndex, ...] = ()
    index_count: int = 0
    oid: int = 0
    shadow_oid: int = 0
    checks: tuple[str, ...] = ()
    statistics: int = 0
    places: tuple[int, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Columns by name."""
        return {column.name: column for column in self.columns}

    @property
    def primary_key(self) -> tuple[str | None, ...]:
        """The key columns of the primary key, empty without one."""
        return next((index.columns for index in self.unique_indexes if index.primary), ())

    @property
    def key_numbers(self) -> tuple[int, ...]:
        """The primary key's columns by their places in the shadow view."""
        return tuple(self.by_name[name].number for name in self.primary_key if name)


@dataclass(frozen=True, slots=True)
class View:
    """A user's view; `rule` is its query, as PostgreSQL keeps it, `reads` are the numbers of what it reads."""

    schema: str
    name: str
    oid: int
    columns: tuple[Column, ...]
    rule: str
    reads: frozenset[int] = frozenset()


class Routine(NamedTuple):
    """What the bodies of the routines of one name say.

    That is the tables, the relations as they name them, whether they change rows, and the functions that they call.
    """

    tables: frozenset[str] = frozenset()
    names: frozenset[RelationName] = frozenset()
    writes: bool = False
    called: frozenset[str] = frozenset()

    def and_(self, other: "Routine") -> "Routine":
        """Both."""
        return Routine(
            self.tables | other.tables,
            self.names | other.names,
            self.writes or other.writes,
            self.called | other.called,
        )


@dataclass(frozen=True)
class Catalog:
    """A snapshot of the cluster's catalog.

    `shadows` are the schemas that hold the shadow views of each schema's tables, whether there are any yet. `routines`
    are users' functions and procedures by name, `others` relations that have no shadow and are no views.
    """

    tables: Mapping[tuple[str, str], Table] = field(default_factory=dict)
    views: Mapping[tuple[str, str], View] = field(default_factory=dict)
    schemas: frozenset[str] = frozenset()
    shadows: Mapping[str, str] = field(default_factory=dict)
    routines: Mapping[str, "Routine"] = field(default_factory=dict)
    others: frozenset[tuple[str, str]] = frozenset()

    @cached_property
    def by_oid(self) -> Mapping[int, Table | View]:
        """What the queries of views may read: shadow views and views."""
        shadows = {table.shadow_oid: table for table in self.tables.values()}
        return {**shadows, **{view.oid: view for view in self.views.values()}}

    def relation(self, schema: str | None, name: str, search_path: tuple[str, ...]) -> Table | View | None:
        """The user's table or view that a possibly qualified name means; the first of its name hides the others."""
        return self.named(relation_name(schema, name, search_path))

    def origin(self, relation: int, column: int) -> tuple[int, int]:
        """The numbers of the user's table and column for those of a shadow view; others are as they are."""
        table = self.by_oid.get(relation)
        if not isinstance(table, Table):
            return relation, column
        return table.oid, table.places[column - 1] if 0 < column <= len(table.places) else column

    def numbers(self, names: Iterable[RelationName]) -> frozenset[int]:
        """The numbers of the user relations that these names mean, and of what the views among them read."""
        found: set[int] = set()
        waiting = [relation.oid for name in names if (relation := self.named(name))]
        while waiting:
            number = waiting.pop()
            if number not in found:
                found.add(number)
                view = self._views_by_number.get(number)
                waiting += view.reads if view else ()
        return frozenset(found)

    def named(self, name: RelationName) -> Table | View | None:
        """The user's relation that a name means."""
        keys = ((schema, name.name) for schema in name.schemas)
        return next((found for key in keys if (found := self.tables.get(key) or self.views.get(key))), None)

    @cached_property
    def _views_by_number(self) -> Mapping[int, View]:
        return {view.oid: view for view in self.views.values()}

    def awaited(self, name: RelationName) -> str | None:
        """The schema that will hold the shadow of a table that is not there yet; None where the name means another."""
        if not name.schemas or any((schema, name.name) in self.others for schema in name.schemas):
            return None
        return self.shadows.get(name.schemas[0])

    def find(self, schema: str | None, name: str, search_path: tuple[str, ...]) -> Table | None:
        """The user table that a possibly qualified name means."""
        found = self.relation(schema, name, search_path)
        return found if isinstance(found, Table) else None


def relation_name(schema: str | None, name: str, search_path: tuple[str, ...]) -> RelationName:
    """A possibly qualified name; without a schema, what begins with ``pg_`` is the system's."""
    if schema:
        return RelationName((schema,), name)
    return RelationName(() if name.startswith("pg_") else search_path, name)
