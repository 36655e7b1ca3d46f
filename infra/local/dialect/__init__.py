"""The SQL dialect of Aurora DSQL: what it refuses, and what PostgreSQL has to be sent instead of the rest."""

from .analyse import analyse
from .catalog import Catalog, Column, Table, UniqueIndex, View
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

__all__ = [
    "AsyncIndex",
    "AsyncValidation",
    "Catalog",
    "Column",
    "ConstraintModes",
    "IamMapping",
    "Kind",
    "Refusal",
    "Setting",
    "Statement",
    "Table",
    "Transaction",
    "UniqueIndex",
    "View",
    "analyse",
]
