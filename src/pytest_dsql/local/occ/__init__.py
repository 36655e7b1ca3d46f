"""Optimistic concurrency for a stock PostgreSQL 16 database, in SQL alone.

Beside every user table stand an overlay (a transaction's private writes) and a view that merges the two; and beside
one with a primary key a ledger of what its rows do not tell to rivals.
Statements sent to the views never wait for another transaction; conflicts are judged at COMMIT.
"""

from importlib.resources import files

import psycopg

_PARTS = (
    "schema",
    "errors",
    "describe",
    "build",
    "sizes",
    "writes",
    "marks",
    "foreign_keys",
    "ledger",
    "commit",
    "ddl",
    "catalog",
)


def install(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    """Install or refresh the engine in the database of `conn`, a superuser's connection.

    Sessions opened before the first installation must be closed: foreign keys are the engine's from here on,
    which a setting of the database tells sessions when they start.
    """
    with conn.transaction():
        for part in _PARTS:
            conn.execute(files(__name__).joinpath("runtime", f"{part}.sql").read_bytes())
        conn.execute("SELECT occ.attach()")
