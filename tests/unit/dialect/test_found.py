"""What a walk finds out: parts add up, a part may count for less, and a refusal leaves what was found before it."""

import pytest

from pytest_dsql.local.dialect.catalog import Routine
from pytest_dsql.local.dialect.rewrite.found import Found, together
from tests.unit.dialect.bank_catalog import judge

UPSERT = "INSERT INTO accounts VALUES (1, 'a') ON CONFLICT (id) DO NOTHING"
REFUSED = "SELECT 1 FROM notes FOR SHARE"


def test_parts_add_up() -> None:
    one = Found(writes=True, called=frozenset("f"), marks=1, upsert="one")
    other = Found(calls=True, called=frozenset("g"), routines=Routine(writes=True), marks=2)
    assert together([one, other]) == Found(
        writes=True, calls=True, called=frozenset("fg"), routines=Routine(writes=True), marks=3, upsert="one"
    )


def test_nothing_adds_nothing() -> None:
    found = Found(writes=True, tables=frozenset(["accounts"]), marks=1, upsert="one")
    assert together([found, Found()]) == together([Found(), found]) == found
    assert together([]) == Found()


@pytest.mark.parametrize(("explain", "writes"), [("EXPLAIN", False), ("EXPLAIN ANALYZE", True)])
def test_a_plan_counts_as_a_change_where_it_is_run(explain: str, writes: bool) -> None:
    statement = judge(f"{explain} {UPSERT}")
    assert (statement.writes, statement.tag_as_insert, statement.tables) == (writes, False, frozenset(["accounts"]))


def test_a_plan_has_no_hidden_columns() -> None:
    assert judge("SELECT 1 FROM accounts FOR UPDATE").hide_last_columns == 1
    assert judge("EXPLAIN SELECT 1 FROM accounts FOR UPDATE").hide_last_columns == 0


def test_a_function_changes_nothing_when_it_is_created() -> None:
    statement = judge(f"CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC {UPSERT}; END")
    assert (statement.writes, statement.may_write, statement.tables) == (False, False, frozenset(["accounts"]))


@pytest.mark.parametrize("head", ["", "EXPLAIN "])
def test_a_refusal_leaves_what_was_found(head: str) -> None:
    statement = judge(f"{head}WITH a AS (DELETE FROM accounts RETURNING id) {REFUSED}")
    assert statement.refusal is not None
    assert (statement.writes, statement.tables) == (True, frozenset(["accounts", "notes"]))


def test_upserts_are_numbered_in_one_statement() -> None:
    sql = judge(f"WITH a AS ({UPSERT} RETURNING id), b AS ({UPSERT} RETURNING id) SELECT * FROM a, b").sql
    assert [f"pg_occ_new_{number} AS" in sql for number in (1, 2, 3)] == [True, True, False]
