"""Optimistic concurrency for a stock PostgreSQL 16 database, in SQL alone.

Beside every user table stand an overlay (a transaction's private writes) and a view that merges the two; and beside
one with a primary key a ledger of what its rows do not tell to rivals.
Statements sent to the views never wait for another transaction; conflicts are judged at COMMIT.

What is generated for a table is text with blanks (`generated`), kept in the database, which fills in what the table is
(`blanks`, `loop`). What is the same for all tables is in `runtime`. docs/engine.md begins at the beginning.
"""

from collections.abc import Iterator
from importlib.resources import files
from typing import Final

import psycopg
from psycopg.types.json import Jsonb

from pytest_dsql.local.occ import blanks, generated
from pytest_dsql.local.occ.template import Template, checked, row
from pytest_dsql.local.occ.words import spelt

RUNTIME: Final = (
    "schema",
    "errors",
    "templates",
    "columns",
    "sizes",
    "overlays",
    "foreign_keys",
    "marks",
    "commit",
    "surgery",
    "ddl",
    "catalog",
)
"""Static SQL, in the order that it needs."""
_KEEP: Final = "INSERT INTO occ.template SELECT * FROM jsonb_populate_recordset(NULL::occ.template, %s)"


def install(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    """Install or refresh the engine in the database of `conn`, a superuser's connection.

    Sessions opened before the first installation must be closed: foreign keys are the engine's from here on,
    which a setting of the database tells sessions when they start.
    """
    kept = Jsonb([row(template) for template in templates()])
    with conn.transaction():
        for part in RUNTIME:
            conn.execute(runtime(part).encode())
        conn.execute(blanks.describe(generated.LOOPS).encode())
        conn.execute(_KEEP, (kept,))
        conn.execute("SELECT occ.attach()")


def runtime(part: str) -> str:
    """Return static SQL as PostgreSQL gets it."""
    return spelt(files(__name__).joinpath("runtime", f"{part}.sql").read_text("utf-8"))


def templates() -> Iterator[Template]:
    """Return all templates; a blank that nothing fills is an `UnknownBlank`."""
    of_table = {*blanks.BLANKS, *(loop.name for loop in generated.LOOPS)}
    yield from checked(generated.templates(), of_table)
    for loop in generated.LOOPS:
        yield from checked(loop.templates, blanks.BLANKS.keys() | loop.blanks.keys())
