"""Recognise a transaction that lost under optimistic concurrency control."""

from typing import Final

import psycopg

from transfer import dsql
from transfer.errors import OutcomeUnknown

_MARKERS: Final = (dsql.DATA_CONFLICT, dsql.SCHEMA_CONFLICT)


def conflict(error: BaseException | None) -> psycopg.Error | None:
    """Return the database's 40001 that ``error`` is or wraps, None where there is none.

    Follows the chain that a traceback shows. A conflict behind an OutcomeUnknown does not count: what may have been
    committed must not be repeated.
    """
    while error is not None and not isinstance(error, OutcomeUnknown):
        if isinstance(error, psycopg.Error) and error.sqlstate == dsql.CONFLICT_SQLSTATE:
            return error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def marker(error: BaseException) -> str | None:
    """Return ``OC000`` (data conflict) or ``OC001`` (schema conflict) where the conflict's text carries it."""
    text = str(conflict(error) or "")
    return next((name for name in _MARKERS if name in text), None)
