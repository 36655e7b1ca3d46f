"""Types: which a column may have, which only a value, and how they come back."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.fix_sessions import Session, Stage

VALUES: dict[str, Any] = {
    "smallint": -32768,
    "integer": 2147483647,
    "bigint": -(2**63),
    "real": 1.5,
    "double precision": 0.1,
    "numeric(38, 10)": Decimal("1234567890123456789012345678.0123456789"),
    "decimal(5, 2)": Decimal("-123.45"),
    "char(3)": "ab ",
    "varchar(10)": "äöü€",
    "text": "a'b\\c\n",
    "date": date(2026, 2, 28),
    "time": time(23, 59, 59, 999999),
    "timestamp": datetime(2026, 1, 2, 3, 4, 5, 678900),  # noqa: DTZ001 - it has no zone
    "timestamptz": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "interval": timedelta(days=3, seconds=5),
    "boolean": True,
    "bytea": b"\x00\xff\\x",
    "uuid": uuid.UUID(int=5),
    "json": {"a": [1, None]},
    "jsonb": {"b": {"c": 1.5}},
}


@pytest.fixture
def everything(module_stage: Stage) -> Session:
    """A session, and an empty table with a column of each type."""
    columns = ", ".join(f"c{number} {name}" for number, name in enumerate(VALUES))
    return module_stage.set_up(f"CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, {columns})", "DELETE FROM t")


@pytest.fixture
def session(module_stage: Stage) -> Session:
    return module_stage.open()


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_a_value_comes_back_as_it_went(everything: Session, name: str, binary: bool) -> None:
    column, value = f"c{list(VALUES).index(name)}", VALUES[name]
    kind = name.partition("(")[0]
    text = value if not isinstance(value, dict) else __import__("json").dumps(value)
    everything(f"INSERT INTO t (id, {column}) VALUES (1, %s::{kind if kind != 'char' else 'text'})", text)
    shown = everything.connection.execute(f"SELECT {column} FROM t", binary=binary).fetchone()
    assert shown == (value,)
    everything(f"UPDATE t SET {column} = NULL")
    assert everything(f"SELECT {column} FROM t") == [None]


def test_all_types_survive_a_conflict_free_commit(everything: Session) -> None:
    everything.begin()("INSERT INTO t (id, c2, c8, c17) VALUES (1, 5, 'x', %s)", uuid.UUID(int=7))
    everything("UPDATE t SET c2 = c2 + 1, c19 = '{\"k\": 2}'")
    assert not everything.loses()
    assert everything("SELECT c2, c8, c17, c19 ->> 'k' FROM t") == [(6, "x", uuid.UUID(int=7), "2")]


REFUSED = {
    "money": "money",
    "xml": "xml",
    "inet": "inet",
    "cidr": "cidr",
    "macaddr": "macaddr",
    "point": "point",
    "tsvector": "tsvector",
    "int4range": "int4range",
    "bit(8)": "bit",
    "varbit(8)": "bit varying",
    "int[]": "integer[]",
    "text[]": "text[]",
}


@pytest.mark.parametrize("name", REFUSED)
def test_types_that_no_column_may_have(session: Session, name: str) -> None:
    error = session.fails(f"CREATE TABLE x (id int PRIMARY KEY, c {name})")
    assert (error.sqlstate, error.diag.message_primary) == ("0A000", f"datatype {REFUSED[name]} not supported")


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("SELECT ARRAY[1, 2] || 3", [1, 2, 3]),
        ("SELECT '10.0.0.1'::inet << '10.0.0.0/8'::inet", True),
        ("SELECT '{\"a\": {\"b\": 2}}'::jsonb #>> '{a,b}'", "2"),
        ("SELECT count(*) FROM unnest(ARRAY['x', 'y'])", 2),
        ("SELECT id FROM (VALUES (1), (2)) v (id) WHERE id = ANY (%s) LIMIT 1", 1),
    ],
)
def test_values_may_have_more_types_than_columns(session: Session, query: str, value: Any) -> None:
    assert session(query, *([[1]] if "%s" in query else [])) == [value]


def test_text_is_ordered_by_its_bytes(session: Session) -> None:
    query = "SELECT v FROM (VALUES ('a'), ('B'), ('ä'), ('Z')) t (v) ORDER BY v"
    assert session(query) == ["B", "Z", "a", "ä"]


def test_assignments_are_cast_and_rounded_as_columns_say(stage: Stage) -> None:
    session = stage.set_up("CREATE TABLE n (id int PRIMARY KEY, a numeric(5, 2), b varchar(3), c smallint)")
    assert session("INSERT INTO n VALUES (1, 1.005, 'abc  ', 7.5) RETURNING a, b, c") == [(Decimal("1.01"), "abc", 8)]
    assert session.refused("INSERT INTO n VALUES (2, 12345, 'x', 1)") == "22003"
    assert session.refused("INSERT INTO n VALUES (2, 1, 'abcd', 1)") == "22001"
    assert session.refused("INSERT INTO n VALUES (2, 1, 'x', 40000)") == "22003"


def test_numeric_without_precision(stage: Stage) -> None:
    session = stage.set_up("CREATE TABLE n (id int PRIMARY KEY, a numeric)")
    assert session("INSERT INTO n VALUES (1, 1.23456789) RETURNING a") == [Decimal("1.234568")]


def test_defaults_are_those_of_the_table(stage: Stage) -> None:
    session = stage.set_up(
        "CREATE TABLE d (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), at timestamptz NOT NULL DEFAULT now(), "
        "n int DEFAULT 1 + 1, s text DEFAULT 'x')"
    )
    rows = session("INSERT INTO d (n) VALUES (DEFAULT), (5) RETURNING id, at, n, s")
    assert [row[2:] for row in rows] == [(2, "x"), (5, "x")]
    assert len({row[0] for row in rows}) == 2
    assert {row[1] for row in rows} == {rows[0][1]}
