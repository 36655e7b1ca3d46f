"""The SQL dialect of Aurora DSQL: what it refuses, and what PostgreSQL has to be sent instead of the rest."""

from .analyse import analyse
from .catalog import Catalog, Column, Routine, Table, UniqueIndex, View
from .routine_body import answered
from .routines import renewed
from .source import literal, quote
from .statement import (
    AsyncIndex,
    AsyncValidation,
    ConstraintModes,
    IamMapping,
    Kind,
    Refusal,
    Setting,
    Statement,
    Transaction,
)
from .substitute import call, fixed_answer, refusing, substitute

__all__ = [
    "AsyncIndex",
    "AsyncValidation",
    "Catalog",
    "Column",
    "ConstraintModes",
    "IamMapping",
    "Kind",
    "Refusal",
    "Routine",
    "Setting",
    "Statement",
    "Table",
    "Transaction",
    "UniqueIndex",
    "View",
    "analyse",
    "answered",
    "call",
    "fixed_answer",
    "literal",
    "quote",
    "refusing",
    "renewed",
    "substitute",
]
