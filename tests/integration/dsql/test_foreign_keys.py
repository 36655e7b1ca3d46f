"""Foreign keys: checked at the statement or put off until COMMIT, and shared keys that conflict at COMMIT."""

import pytest

from tests.fix_family import family, family_tables
from tests.fix_sessions import Stage


@pytest.mark.parametrize(("parent", "both"), [("DELETE FROM parents", False), ("UPDATE parents SET name = 'x'", True)])
def test_a_new_child_shares_the_key_of_its_parent(stage: Stage, parent: str, both: bool) -> None:
    a, b = family(stage)
    a("INSERT INTO children VALUES (2, 2, 'new')")
    b(f"{parent} WHERE id = 2")
    assert not a.loses()
    assert b.loses() is not both


def test_a_child_of_a_parent_that_went_loses(stage: Stage) -> None:
    a, b = family(stage)
    a("DELETE FROM parents WHERE id = 2")
    b("INSERT INTO children VALUES (2, 2, 'new')")
    assert not a.loses()
    assert b.loses()
    error = b.fails("INSERT INTO children VALUES (2, 2, 'new')")
    assert error.sqlstate == "23503"
    assert 'violates foreign key constraint "children_parent_fkey"' in str(error)


def test_a_lost_update_of_a_parent_does_not_free_it_of_its_new_child(stage: Stage) -> None:
    deleting, updating = stage.pair(*family_tables(), "INSERT INTO parents VALUES (0, 'o')")
    child = stage.open()
    deleting("DELETE FROM parents WHERE id = 0")
    updating("UPDATE parents SET name = 'x'")
    child("INSERT INTO children VALUES (2, 0, 'new')")
    child("UPDATE parents SET name = 'y' WHERE id = 1")
    assert updating.loses()
    assert deleting.loses()


@pytest.mark.parametrize(("action", "left"), [("CASCADE", []), ("SET NULL", [(1, None)]), ("SET DEFAULT", [(1, 2)])])
def test_referential_actions_conflict_with_changes_of_the_child(stage: Stage, action: str, left: list[object]) -> None:
    a, b = family(stage, f"ON DELETE {action}")
    a("DELETE FROM parents WHERE id = 1")
    assert a("SELECT id, parent FROM children") == left
    b("UPDATE children SET note = 'changed'")
    assert not a.loses()
    assert b.loses()
    assert b("SELECT id, parent FROM children") == left


@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT"])
def test_a_parent_with_children_stays(stage: Stage, action: str) -> None:
    a, _ = family(stage, f"ON DELETE {action}")
    assert a.refused("DELETE FROM parents WHERE id = 1") == "23503"
    assert a.refused("SELECT 1") == "25P02"


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("RENAME COLUMN parent TO of", "children"),
        ("RENAME TO kids", "kids"),
        ("SET SCHEMA {}_other", "{}_other.children"),
    ],
)
def test_actions_follow_the_children(stage: Stage, change: str, table: str) -> None:
    session = stage.set_up(*family_tables("ON DELETE CASCADE ON UPDATE CASCADE"))
    (home,) = session("SELECT current_schema()")
    session(f"CREATE SCHEMA {home}_other")
    session("INSERT INTO children VALUES (2, 2, 'd')")
    session("DELETE FROM parents WHERE id = 1")
    session(f"ALTER TABLE children {change.format(home)}")
    session("DELETE FROM parents WHERE id = 2")
    assert session(f"SELECT * FROM {table.format(home)}") == []
    session(f"DROP SCHEMA {home}_other CASCADE")


# Deferred checks, and what becomes of them (DSQL's user guide, SET CONSTRAINTS, 2026-11)

NOT_THERE = "INSERT INTO children VALUES (2, 3, 'early')"
LATE = "INSERT INTO parents VALUES (3, 'late')"


def test_a_deferred_check_waits_for_commit(stage: Stage) -> None:
    a, b = family(stage, "DEFERRABLE INITIALLY DEFERRED")
    for session in (a, b):
        session(NOT_THERE)
    a(LATE)
    assert not a.loses()
    b("DELETE FROM parents WHERE id = 1")
    assert b.refused("COMMIT") == "23503"


@pytest.mark.parametrize("which", ["ALL", "children_parent_fkey"])
def test_a_check_is_put_off_on_demand(stage: Stage, which: str) -> None:
    a, b = family(stage, "DEFERRABLE")
    a(f"SET CONSTRAINTS {which} DEFERRED")
    assert a.tag == "SET CONSTRAINTS"
    a(NOT_THERE)
    a(LATE)
    assert not a.loses()
    assert b.refused(NOT_THERE) == "23503", "the other transaction asked for nothing"
    assert a.begin().refused("INSERT INTO children VALUES (4, 4, 'n')") == "23503", "it was for one transaction"


@pytest.mark.parametrize("which", ["ALL", "children_parent_fkey"])
def test_what_was_put_off_is_checked_when_it_is_to_be_immediate(stage: Stage, which: str) -> None:
    a, b = family(stage, "DEFERRABLE INITIALLY DEFERRED")
    for session in (a, b):
        session(NOT_THERE)
    assert a.refused(f"SET CONSTRAINTS {which} IMMEDIATE") == "23503"
    b(LATE)
    b(f"SET CONSTRAINTS {which} IMMEDIATE")
    assert b.refused("INSERT INTO children VALUES (4, 4, 'n')") == "23503"


def test_constraints_are_set_by_their_names(stage: Stage) -> None:
    a, b = family(stage, "DEFERRABLE INITIALLY DEFERRED, other int CONSTRAINT second REFERENCES parents DEFERRABLE")
    a("SET CONSTRAINTS ALL IMMEDIATE")
    a("SET CONSTRAINTS second DEFERRED")
    a("INSERT INTO children (id, other) VALUES (2, 7)")
    assert a.refused("INSERT INTO children (id, parent) VALUES (3, 7)") == "23503"
    assert b.fails("SET CONSTRAINTS third DEFERRED").diag.message_primary == 'constraint "third" does not exist'


def test_what_is_not_deferrable_is_not_deferred(stage: Stage) -> None:
    a, b = family(stage)
    a("SET CONSTRAINTS ALL DEFERRED")
    assert a.refused(NOT_THERE) == "23503"
    error = b.fails("SET CONSTRAINTS children_parent_fkey DEFERRED")
    assert (error.sqlstate, error.diag.message_primary) == (
        "42809",
        'constraint "children_parent_fkey" is not deferrable',
    )


def test_a_constraint_may_be_made_deferrable(stage: Stage) -> None:
    family(stage)
    alter = "ALTER TABLE children ALTER CONSTRAINT children_parent_fkey DEFERRABLE INITIALLY DEFERRED"
    session = stage.set_up(alter).begin()
    session(NOT_THERE)
    session(LATE)
    assert not session.loses()


def test_a_default_parent_with_children_stays(stage: Stage) -> None:
    a, _ = family(stage, "ON DELETE SET DEFAULT")
    a("UPDATE children SET parent = DEFAULT")
    error = a.fails("DELETE FROM parents WHERE id = 2")
    assert error.sqlstate == "23503"
    assert error.diag.message_detail == 'Key (id)=(2) is still referenced from table "children".'
