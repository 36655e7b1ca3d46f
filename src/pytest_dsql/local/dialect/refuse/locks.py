"""Which queries have rows that a locking clause can lock: PostgreSQL's rule, for a query as text and as it is kept."""

from dataclasses import dataclass, fields
from typing import Final

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.statement import RefusedError

NULLABLE: Final = "the nullable side of an outer join"
_NAMES: Final = {
    "united": "UNION/INTERSECT/EXCEPT",
    "distinct": "DISTINCT clause",
    "grouped": "GROUP BY clause",
    "having": "HAVING clause",
    "aggregates": "aggregate functions",
    "windows": "window functions",
    "sets": "set-returning functions in the target list",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryShape:
    """What keeps the rows of a query from being rows of a table, in the order in which PostgreSQL asks."""

    united: bool = False
    distinct: bool
    grouped: bool
    having: bool
    aggregates: bool
    windows: bool
    sets: bool


def check(shape: QueryShape, clause: str) -> None:
    """Refuse a clause on a query of another shape than a table's."""
    for field in fields(shape):
        if getattr(shape, field.name):
            raise RefusedError(facts.LOCK_NOT_ALLOWED.refusal(clause, _NAMES[field.name]))
