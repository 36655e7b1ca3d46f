"""Which unique indexes decide a conflict, by PostgreSQL's rules of inference."""

# The text put together here is the user's own statement, for the user's own rights.
# ruff: noqa: S608

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.catalog import Table, UniqueIndex
from pytest_dsql.local.dialect.parse.nodes import strings, walk
from pytest_dsql.local.dialect.parse.parser import ast, parse_sql
from pytest_dsql.local.dialect.parse.text import quote
from pytest_dsql.local.dialect.statement import RefusedError


@dataclass(frozen=True, slots=True)
class Arbiter:
    """A key: the columns, expressions and predicate of its index."""

    columns: tuple[str, ...]
    expressions: tuple[str, ...] = ()
    predicate: str | None = None
    nulls_not_distinct: bool = False

    def _values(self, relation: str) -> list[str]:
        plain = [f"{relation}.{quote(name)}" for name in self.columns]
        return plain + [over(text, relation) for text in self.expressions]

    def keys(self, relation: str) -> str:
        """The key of a row, for PARTITION BY and ORDER BY."""
        predicate = [over(self.predicate, relation)] if self.predicate else []
        return ", ".join(self._values(relation) + predicate)

    def match(self, left: str, right: str) -> str:
        """The condition that two rows have the same key."""
        operator = "IS NOT DISTINCT FROM" if self.nulls_not_distinct else "="
        pairs = zip(self._values(left), self._values(right), strict=True)
        tests = [f"{one} {operator} {other}" for one, other in pairs]
        if self.predicate:
            tests += [over(self.predicate, left), over(self.predicate, right)]
        return " AND ".join(tests)

    def applies(self, relation: str) -> str:
        """The condition that another row may not have this row's key."""
        tests = [] if self.nulls_not_distinct else [f"{value} IS NOT NULL" for value in self._values(relation)]
        if self.predicate:
            tests.append(over(self.predicate, relation))
        return " AND ".join(tests) or "true"


def over(text: str, relation: str) -> str:
    """An expression over a table's columns, evaluated for one row of a relation in scope."""
    return f"(SELECT {text} FROM (SELECT {relation}.*) AS pg_occ_row)"


def _of(index: UniqueIndex) -> Arbiter:
    columns = tuple(name for name in index.columns if name is not None)
    return Arbiter(columns, index.expressions, index.predicate, index.nulls_not_distinct)


def arbiters(node: Any, table: Table) -> list[Arbiter] | None:
    """The keys an upsert looks at; None where PostgreSQL has to reject the target itself."""
    infer = node.onConflictClause.infer
    if infer is None:
        return [_of(index) for index in table.unique_indexes]
    if infer.conname:
        index = next((item for item in table.unique_indexes if item.name == infer.conname), None)
        if index is None:
            raise RefusedError(facts.NO_CONSTRAINT.refusal(infer.conname, table.name))
        return [_of(index)]
    columns = {item.name for item in infer.indexElems if item.name}
    if not columns <= table.by_name.keys():
        return None
    shapes = {_shape(item.expr) for item in infer.indexElems if not item.name}
    index = _inferred(table, columns, shapes, partial=infer.whereClause is not None)
    if index is None:
        raise RefusedError(facts.NO_ARBITER.refusal())
    return [_of(index)]


def _inferred(table: Table, columns: set[str], shapes: set[frozenset[str]], *, partial: bool) -> UniqueIndex | None:
    fitting = [
        index
        for index in table.unique_indexes
        if {name for name in index.columns if name} == columns
        and {_shape_of(text) for text in index.expressions} == shapes
        and (partial or not index.partial)
    ]
    return min(fitting, key=lambda index: index.partial, default=None)


def _shape(expression: Any) -> frozenset[str]:
    """The columns and functions of an expression: PostgreSQL writes those of an index in other words, not of others."""
    fields = (item.fields for item in walk(expression) if isinstance(item, ast.ColumnRef))
    functions = (item.funcname for item in walk(expression) if isinstance(item, ast.FuncCall))
    return frozenset(strings(names)[-1] for names in (*fields, *functions))


@lru_cache(maxsize=1024)
def _shape_of(text: str) -> frozenset[str]:
    (statement,) = parse_sql(f"SELECT {text}")
    return _shape(statement.stmt)
