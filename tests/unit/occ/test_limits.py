"""Rows and bytes of one transaction."""

import pytest

from tests.unit.occ.sessions import Engine

pytestmark = pytest.mark.unit

TABLES = (
    "CREATE TABLE parent (id int PRIMARY KEY)",
    "CREATE TABLE rows (id int PRIMARY KEY, v text, parent int REFERENCES parent ON DELETE CASCADE)",
)


def test_three_thousand_rows_pass(engine: Engine) -> None:
    engine.tables(*TABLES)
    s = engine.connect(statement_timeout="20s")
    s("INSERT INTO {rows} SELECT g FROM generate_series(1, 3000) g")
    assert s.tag == "INSERT 0 3000"
    error = s.fails("UPDATE {rows} SET id = id + 10000; INSERT INTO {rows} VALUES (0)")
    assert (error.sqlstate, error.diag.message_primary) == ("54000", "transaction row limit exceeded")
    assert s("SELECT count(*), max(id) FROM rows") == [(3000, 3000)]


@pytest.mark.parametrize("statement", ["DELETE FROM {parent}", "UPDATE {rows} SET v = 'y'; DELETE FROM {parent}"])
def test_cascaded_rows_count_and_rows_count_once(engine: Engine, statement: str) -> None:
    children = "INSERT INTO {rows} SELECT g, 'x', 1 FROM generate_series(1, 9) g"
    engine.tables(*TABLES, "INSERT INTO {parent} VALUES (1)", children)
    s = engine.connect(**{"occ.row_limit": "9"})
    assert s.fails(statement).sqlstate == "54000"
    engine.connect(**{"occ.row_limit": "10"})(statement)
    assert s("SELECT * FROM rows") == []


def test_marks_are_not_rows(engine: Engine) -> None:
    engine.tables(*TABLES, "INSERT INTO {parent} SELECT generate_series(1, 5)")
    s = engine.connect(**{"occ.row_limit": "1"})
    s("BEGIN")
    s.mark("for_update", "parent", "true")
    s("INSERT INTO {rows} VALUES (1, 'x', 1)")
    assert not s.commit_conflicts()


def test_size_is_judged_at_commit(engine: Engine) -> None:
    engine.tables(*TABLES)
    s = engine.connect()
    s("BEGIN")
    s("INSERT INTO {rows} SELECT g, repeat('x', 1000000) FROM generate_series(1, 12) g")
    error = s.fails("COMMIT")
    assert (error.sqlstate, error.diag.message_primary) == ("54000", "transaction size limit 10mb exceeded")
    assert error.diag.message_detail == "Current transaction size 12mb > 10mb"
    s("INSERT INTO {rows} SELECT g, repeat('x', 1000000) FROM generate_series(1, 10) g")
    assert s("SELECT count(*) FROM rows") == [10]


def test_size_limit_can_be_set(engine: Engine) -> None:
    engine.tables(*TABLES)
    s = engine.connect(**{"occ.size_limit": "1000"})
    s("INSERT INTO {rows} VALUES (1, repeat('x', 900))")
    assert s.fails("INSERT INTO {rows} VALUES (2, repeat('x', 1000))").sqlstate == "54000"
