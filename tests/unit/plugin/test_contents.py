"""What is in tables: compared in the columns that matter, and put back row by row, or it is said that it is not."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pytest_dsql.orders.contents import Contents, put_back, read

TABLES = """
CREATE TABLE parents (id int PRIMARY KEY, doubled int GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents, said text, at timestamptz);
CREATE TABLE notes (said text, data json);
INSERT INTO parents VALUES (1), (2);
INSERT INTO children VALUES (1, 1, 'it''s', '2026-11-28 12:00:00.123456+01'), (2, NULL, NULL, NULL);
INSERT INTO notes VALUES ('twice', '{"a": 1}'), ('twice', '{"a": 1}'), (NULL, NULL);
"""


@pytest.fixture
def connection(own_database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(own_database, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA orders; SET search_path = orders; {TABLES}")
        yield connection
        connection.execute("DROP SCHEMA orders CASCADE")


@pytest.fixture
def at_first(connection: psycopg.Connection[Any]) -> Contents:
    return read(connection)


def rows(contents: Contents, table: str) -> list[tuple[str | None, ...]]:
    return contents.chosen({})[f"orders.{table}"]


def test_all_columns_but_generated_ones_are_read(at_first: Contents) -> None:
    assert rows(at_first, "parents") == [("1",), ("2",)]
    assert rows(at_first, "notes") == [("twice", '{"a": 1}'), ("twice", '{"a": 1}'), (None, None)]


def test_columns_are_chosen_and_tables_left_out(at_first: Contents) -> None:
    chosen = at_first.chosen({"orders.children": ["parent"], "orders.notes": []})
    assert chosen["orders.children"] == [("1",), (None,)]
    assert "orders.notes" not in chosen


@pytest.mark.parametrize(
    ("columns", "told"),
    [({"nonsense": []}, "there is no table nonsense"), ({"orders.notes": ["at"]}, "orders.notes has no column at")],
)
def test_what_is_not_there_cannot_be_chosen(at_first: Contents, columns: dict[str, list[str]], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        at_first.check(columns)


@pytest.mark.parametrize(
    "change",
    [
        "SELECT 1",
        "DELETE FROM children",
        "DELETE FROM children; DELETE FROM parents",
        "INSERT INTO parents VALUES (3); UPDATE children SET parent = 3, said = NULL",
        "DELETE FROM notes WHERE said IS NULL; INSERT INTO notes VALUES ('twice', '{\"a\": 1}'), ('more', '[]')",
        "DELETE FROM notes",
    ],
)
def test_rows_are_put_back(connection: psycopg.Connection[Any], at_first: Contents, change: str) -> None:
    connection.execute(change.encode())
    assert put_back(connection, read(connection), at_first)
    assert read(connection) == at_first


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE more (id int)",
        "ALTER TABLE notes ADD COLUMN more int",
        "DELETE FROM children; DELETE FROM parents WHERE id = 1; ALTER TABLE parents ADD CHECK (id <> 1) NOT VALID",
    ],
)
def test_what_is_more_than_rows_is_not(connection: psycopg.Connection[Any], at_first: Contents, change: str) -> None:
    connection.execute(change.encode())
    assert not put_back(connection, read(connection), at_first)


def test_a_sequence_that_has_gone_on_is_not_put_back(connection: psycopg.Connection[Any]) -> None:
    connection.execute("CREATE SEQUENCE numbers")
    at_first = read(connection)
    connection.execute("SELECT nextval('numbers')")
    assert not put_back(connection, read(connection), at_first)


def test_rows_that_take_others_with_them_are_not_put_back_by_halves(connection: psycopg.Connection[Any]) -> None:
    connection.execute("CREATE TABLE pets (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE)")
    connection.execute("ALTER TABLE parents ADD COLUMN name text")
    connection.execute("INSERT INTO pets VALUES (1, 2)")
    at_first = read(connection)
    connection.execute("UPDATE parents SET name = 'Ann' WHERE id = 2")
    assert not put_back(connection, read(connection), at_first)
