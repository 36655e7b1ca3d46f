"""What a walk finds out about a statement, as a value."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

from pytest_dsql.local.dialect.catalog import Routine
from pytest_dsql.local.dialect.statement import RelationName

NONE: Final = Routine()


@dataclass(frozen=True, slots=True)
class Found:
    """What a part of a statement does and names; `routines` is what those do that it calls.

    `marks` counts the lock marks behind its last column, `upsert` is the last upsert that is written as a SELECT.
    """

    writes: bool = False
    calls: bool = False
    called: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    names: frozenset[RelationName] = frozenset()
    routines: Routine = NONE
    marks: int = 0
    upsert: Any = None


def together(parts: Sequence[Found]) -> Found:
    """All parts, in the order in which they were found."""
    return Found(
        writes=any(part.writes for part in parts),
        calls=any(part.calls for part in parts),
        called=frozenset[str]().union(*(part.called for part in parts)),
        tables=frozenset[str]().union(*(part.tables for part in parts)),
        names=frozenset[RelationName]().union(*(part.names for part in parts)),
        routines=reduce(Routine.and_, (part.routines for part in parts if part.routines is not NONE), NONE),
        marks=sum(part.marks for part in parts),
        upsert=next((part.upsert for part in reversed(parts) if part.upsert is not None), None),
    )
