"""Any name and any literal that PostgreSQL takes works in every statement of a table's life, as in PostgreSQL."""

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from pytest_dsql.link.handle import Handle
from pytest_dsql.retry import retried
from tests.fix_postgres import new_database

AWKWARD = (
    *("by", "begin", "if", "loop", "execute", "while", "strict", "declare", "foreach", "select", "user", "new", "old"),
    *("a, b", 'a"b', "{own}", "{base}", "{c}", "{note}", "$body$", "$$", "OLD.x", "NEW.x", "o", "b", "u", "v", "x%sy"),
    *("Mixed Case", "straße", "a.b", "tab\there", "\x01a", "\x01", "\\n", "'", "--", "/*", ";", "1", " ", "é" * 31),
)
_LETTERS = st.characters(codec="utf-8", exclude_characters="\x00")
NAMES = st.sampled_from(AWKWARD) | st.text(_LETTERS, min_size=1, max_size=12)
WORDS = st.sampled_from(("{own}", "{base}", "$body$", "it's", "\\", "\x01b", 'q"', "%s %(x)s")) | st.text(
    _LETTERS, max_size=8
)
LIFE: Final = """
CREATE TABLE {s}.{t} ({k} int, {l} text, {a} int, {w} text DEFAULT {x}, PRIMARY KEY ({k}, {l}), UNIQUE ({a}),
    {g} text GENERATED ALWAYS AS ({w} || {x}) STORED, CONSTRAINT {c} CHECK ({w} <> {y}));
INSERT INTO {s}.{t} ({k}, {l}, {a}) VALUES (1, {x}, 1), (2, {x}, 2), (3, {y}, 3) RETURNING *;
INSERT INTO {s}.{t} AS {r} ({k}, {l}, {a}) VALUES (1, {x}, 9)
    ON CONFLICT ({k}, {l}) DO UPDATE SET {a} = excluded.{a} RETURNING {r}.{g};
INSERT INTO {s}.{t} ({k}, {l}, {w}) VALUES (4, {x}, {y});
INSERT INTO {s}.{t} ({k}, {l}, {a}) VALUES (5, {x}, 2);
UPDATE {s}.{t} SET {w} = {x} || {w}, {a} = {a} + 10 WHERE {k} = 1 RETURNING *;
UPDATE {s}.{t} SET {k} = 7 WHERE {l} = {y} RETURNING {t}.{g};
SELECT * FROM {s}.{t} {r} WHERE {r}.{l} = {x} ORDER BY {k} FOR UPDATE;
CREATE TABLE {s}.{n} ({k} int, {l} text, {w} int PRIMARY KEY,
    FOREIGN KEY ({k}, {l}) REFERENCES {s}.{t} ON DELETE CASCADE);
INSERT INTO {s}.{n} VALUES (2, {x}, 1), (7, {y}, 2);
INSERT INTO {s}.{n} VALUES (2, {y}, 3);
DELETE FROM {s}.{t} WHERE {k} = 7;
SELECT * FROM {s}.{n} ORDER BY {w};
ALTER TABLE {s}.{t} RENAME COLUMN {a} TO {r};
ALTER TABLE {s}.{n} ADD COLUMN {a} text;
SELECT * FROM {s}.{t} ORDER BY {k};
DELETE FROM {s}.{t} RETURNING {r};
DROP TABLE {s}.{n}, {s}.{t};
"""
Names = dict[str, str]


def _statement(text: str, names: Names, values: Names) -> sql.Composed:
    blanks: dict[str, sql.Composable] = {key: sql.Identifier(name) for key, name in names.items()}
    blanks |= {key: sql.Literal(value) for key, value in values.items()}
    return sql.SQL(text).format(**blanks)


def _answer(connection: psycopg.Connection[Any], statement: sql.Composed) -> object:
    try:
        cursor = retried(lambda: connection.execute(statement))
    except psycopg.Error as error:
        return error.sqlstate, error.diag.message_primary, error.diag.message_detail
    rows = sorted(map(repr, cursor.fetchall())) if cursor.description else None
    return cursor.statusmessage, [column.name for column in cursor.description or ()], rows


@pytest.fixture
def plain(handle: Handle) -> Iterator[psycopg.Connection[Any]]:
    """A plain PostgreSQL: a database beside the cluster's own."""
    with new_database(handle.describe()["postgres"]) as url, psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.mark.timeout(300)
def test_a_tables_life_is_postgresqls_whatever_its_names(
    plain: psycopg.Connection[Any], schema: str, session: Callable[[], psycopg.Connection[Any]]
) -> None:
    places = {"public": plain, schema: session()}

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.lists(NAMES, min_size=9, max_size=9, unique_by=lambda name: name.encode()[:63]), WORDS, WORDS)
    def live(names: list[str], x: str, y: str) -> None:
        named, values = dict(zip("tnklawgcr", names, strict=True)), {"x": x, "y": y}
        for text in re.findall(r".+?;\n", LIFE, re.DOTALL):
            here, there = (
                _answer(connection, _statement(text, {**named, "s": place}, values))
                for place, connection in places.items()
            )
            assert here == there, text
        for place, connection in places.items():
            for table in "nt":
                drop = _statement("DROP TABLE IF EXISTS {s}.{t} CASCADE", {**named, "s": place, "t": named[table]}, {})
                retried(functools.partial(connection.execute, drop))

    live()
