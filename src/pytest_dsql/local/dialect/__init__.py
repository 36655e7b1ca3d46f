"""The SQL dialect of Aurora DSQL: what it refuses, and what PostgreSQL has to be sent instead of the rest."""

from pytest_dsql.local.dialect.analyse import analyse
from pytest_dsql.local.dialect.catalog import Catalog, Column, Routine, Table, UniqueIndex, View
from pytest_dsql.local.dialect.parse.text import literal, quote
from pytest_dsql.local.dialect.rewrite.substitutes import call, fixed_answer, refusing, substitute
from pytest_dsql.local.dialect.routines.again import answered, renewed
from pytest_dsql.local.dialect.statement import (
    AsyncIndex,
    AsyncValidation,
    ConstraintModes,
    Explanation,
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
    "Explanation",
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
