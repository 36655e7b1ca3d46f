"""Optimistic concurrency: every statement of both sides succeeds, COMMIT is where one of them fails."""

import contextlib
import functools
from collections.abc import Callable

import psycopg
import pytest

from tests.fix_family import family_tables
from tests.fix_sessions import IDLE, Session, Stage, at_once

ACCOUNTS = "CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL CHECK (balance >= 0))"
SEED = "INSERT INTO accounts VALUES (1, 100), (2, 100), (3, 100)"


@pytest.fixture
def pair(module_stage: Stage) -> tuple[Session, Session]:
    """Two sessions in transactions, and accounts as they were at first."""
    return module_stage.pair(ACCOUNTS.replace("TABLE", "TABLE IF NOT EXISTS"), "DELETE FROM accounts", SEED)


def test_the_second_committer_of_a_row_loses_at_commit(pair: tuple[Session, Session]) -> None:
    a, b = pair
    assert a("UPDATE accounts SET balance = balance - 10 WHERE id = 1 RETURNING balance") == [90]
    assert b("UPDATE accounts SET balance = balance - 25 WHERE id = 1 RETURNING balance") == [75]
    assert (a.tag, b.tag) == ("UPDATE 1", "UPDATE 1")
    assert not a.loses()
    assert b("SELECT balance FROM accounts WHERE id = 1") == [75], "a doomed transaction reads its own writes"
    assert b("UPDATE accounts SET balance = balance - 1 WHERE id = 1 RETURNING balance") == [74]
    assert b.loses()
    assert b("SELECT balance FROM accounts WHERE id = 1") == [90]


def test_a_lost_commit_ends_the_transaction(pair: tuple[Session, Session]) -> None:
    a, b = pair
    for session in pair:
        session("UPDATE accounts SET balance = 1 WHERE id = 1")
    assert not a.loses()
    error = b.fails("COMMIT")
    assert (error.sqlstate, error.diag.message_primary) == (
        "40001",
        "change conflicts with another transaction (OC000)",
    )
    assert b.status == IDLE
    b("ROLLBACK")
    assert b.tag == "ROLLBACK"
    b.begin()("UPDATE accounts SET balance = 2 WHERE id = 1")
    assert not b.loses()


def test_who_commits_first_wins_though_it_wrote_last(pair: tuple[Session, Session]) -> None:
    a, b = pair
    a("UPDATE accounts SET balance = 1 WHERE id = 1")
    b("UPDATE accounts SET balance = 2 WHERE id = 1")
    assert not b.loses()
    assert a.loses()
    assert b("SELECT balance FROM accounts WHERE id = 1") == [2]


def test_a_rolled_back_write_conflicts_with_nobody(pair: tuple[Session, Session]) -> None:
    a, b = pair
    a("DELETE FROM accounts")
    a("ROLLBACK")
    b("UPDATE accounts SET balance = 2 WHERE id = 1")
    assert not b.loses()


def test_snapshot_does_not_move(pair: tuple[Session, Session]) -> None:
    a, b = pair
    a("UPDATE accounts SET balance = 1 WHERE id = 1")
    assert not a.loses()
    assert b("SELECT balance FROM accounts WHERE id = 1") == [100]
    assert not b.loses()
    assert b("SELECT balance FROM accounts WHERE id = 1") == [1]


def test_autocommit_statements_lose_to_nobody_and_make_others_lose(pair: tuple[Session, Session]) -> None:
    a, b = pair
    a("ROLLBACK")
    b("UPDATE accounts SET balance = 7 WHERE id = 1")
    a("UPDATE accounts SET balance = 8 WHERE id = 1")
    assert b.loses()


WRITES = {
    "update": "UPDATE accounts SET balance = balance + 1 WHERE id = 1",
    "update-same-value": "UPDATE accounts SET balance = balance WHERE id = 1",
    "delete": "DELETE FROM accounts WHERE id = 1",
    "all": "UPDATE accounts SET balance = balance + 1",
    "predicate": "DELETE FROM accounts WHERE balance = 100",
    "key": "UPDATE accounts SET id = 10 WHERE id = 1",
    "from": "UPDATE accounts a SET balance = a.balance + b.balance FROM accounts b WHERE a.id = 1 AND b.id = 2",
    "using": "DELETE FROM accounts a USING accounts b WHERE a.id = 1 AND b.id = 2",
    "cte": "WITH moved AS (DELETE FROM accounts WHERE id = 1 RETURNING balance) SELECT * FROM moved",
    "upsert": "INSERT INTO accounts VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET balance = excluded.balance",
    "for-update": "SELECT * FROM accounts WHERE id = 1 FOR UPDATE",
}


@pytest.mark.parametrize("write", WRITES)
def test_every_write_conflicts_with_an_update_of_its_row(pair: tuple[Session, Session], write: str) -> None:
    a, b = pair
    a(WRITES[write])
    b("UPDATE accounts SET balance = 5 WHERE id = 1")
    assert not a.loses()
    assert b.loses()


@pytest.mark.parametrize("write", WRITES)
def test_every_write_loses_to_an_update_of_its_row(pair: tuple[Session, Session], write: str) -> None:
    a, b = pair
    b("UPDATE accounts SET balance = 5 WHERE id = 1")
    a(WRITES[write])
    assert not b.loses()
    assert a.loses()


def test_different_rows_both_commit(pair: tuple[Session, Session]) -> None:
    a, b = pair
    a("UPDATE accounts SET balance = 1 WHERE id = 1")
    b("UPDATE accounts SET balance = 2 WHERE id = 2")
    b("DELETE FROM accounts WHERE id = 3")
    assert not a.loses()
    assert not b.loses()
    assert a("SELECT * FROM accounts ORDER BY id") == [(1, 1), (2, 2)]


def test_one_row_of_many_is_enough(pair: tuple[Session, Session]) -> None:
    a, b = pair
    a("UPDATE accounts SET balance = 1 WHERE id < 3")
    b("UPDATE accounts SET balance = 2 WHERE id > 1")
    assert not a.loses()
    assert b.loses()
    assert a("SELECT balance FROM accounts ORDER BY id") == [1, 1, 100]


def test_a_conflict_in_one_table_undoes_the_others(stage: Stage) -> None:
    a, b = stage.pair(ACCOUNTS, SEED, "CREATE TABLE log (id int PRIMARY KEY, what text)")
    for number, session in enumerate((a, b)):
        session("INSERT INTO log VALUES (%s, 'moved')", number)
        session("UPDATE accounts SET balance = balance - 1 WHERE id = 1")
    assert not a.loses()
    assert b.loses()
    assert a("SELECT id FROM log") == [0]


# New keys: the loser fails with 40001 at COMMIT, and 23505 is for what its snapshot shows.


def test_two_inserts_of_one_new_key(pair: tuple[Session, Session]) -> None:
    a, b = pair
    for session in pair:
        assert at_once(functools.partial(session, "INSERT INTO accounts VALUES (9, 1) RETURNING id")) == [9]
    assert not a.loses()
    assert b.loses()
    assert b.refused("INSERT INTO accounts VALUES (9, 1)") == "23505"


@pytest.mark.parametrize("action", ["NOTHING", "UPDATE SET balance = 5"])
def test_on_conflict_handles_what_is_visible_and_loses_to_what_is_not(
    pair: tuple[Session, Session], action: str
) -> None:
    a, b = pair
    a("INSERT INTO accounts VALUES (9, 1)")
    b(f"INSERT INTO accounts VALUES (9, 2) ON CONFLICT (id) DO {action}")
    assert b.tag == "INSERT 0 1"
    assert not a.loses()
    assert b.loses()
    b(f"INSERT INTO accounts VALUES (9, 2) ON CONFLICT (id) DO {action}")
    assert b.tag == ("INSERT 0 0" if action == "NOTHING" else "INSERT 0 1")


def test_upsert_sees_own_writes(pair: tuple[Session, Session]) -> None:
    a, _ = pair
    upsert = "INSERT INTO accounts VALUES (9, 1) ON CONFLICT (id) DO UPDATE SET balance = accounts.balance + 1"
    assert a(upsert + " RETURNING balance") == [1]
    assert a(upsert + " RETURNING balance") == [2]
    a("INSERT INTO accounts VALUES (9, 7) ON CONFLICT DO NOTHING")
    assert a.tag == "INSERT 0 0"
    assert not a.loses()


def test_unique_index_beyond_the_key(stage: Stage) -> None:
    a, b = stage.pair(
        "CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE)", "INSERT INTO people VALUES (1, 'a')"
    )
    a("INSERT INTO people VALUES (2, 'new')")
    b("UPDATE people SET email = 'new' WHERE id = 1")
    assert not a.loses()
    assert b.loses()
    assert b.refused("INSERT INTO people VALUES (3, 'new')") == "23505"


def test_insert_select_conflicts_by_its_new_keys(pair: tuple[Session, Session]) -> None:
    a, b = pair
    for session in pair:
        session("INSERT INTO accounts SELECT id + 10, balance FROM accounts")
        assert session.tag == "INSERT 0 3"
    assert not a.loses()
    assert b.loses()


def test_a_key_may_go_and_come_again_in_one_transaction(pair: tuple[Session, Session]) -> None:
    a, _ = pair
    a("DELETE FROM accounts WHERE id = 1")
    a("INSERT INTO accounts VALUES (1, 5)")
    a("UPDATE accounts SET id = id + 100")
    assert a("SELECT id FROM accounts ORDER BY id") == [101, 102, 103]
    assert not a.loses()
    assert a("SELECT id, balance FROM accounts ORDER BY id") == [(101, 5), (102, 100), (103, 100)]


def test_tables_without_a_primary_key(stage: Stage) -> None:
    a, b = stage.pair("CREATE TABLE notes (what text)", "INSERT INTO notes VALUES ('x'), ('x'), ('y')")
    a("DELETE FROM notes WHERE what = 'x'")
    assert a.tag == "DELETE 2"
    b("UPDATE notes SET what = 'z' WHERE what = 'x'")
    assert not a.loses()
    assert b.loses()
    assert b("SELECT what FROM notes") == ["y"]


def test_equal_rows_without_a_key_are_different_rows(stage: Stage) -> None:
    a, b = stage.pair("CREATE TABLE notes (what text)")
    for session in (a, b):
        session("INSERT INTO notes VALUES ('same')")
    assert not a.loses()
    assert not b.loses()
    assert a("SELECT what FROM notes") == ["same", "same"]


# Marks


def mark(clause: str) -> str:
    return f"SELECT balance FROM accounts WHERE id = 1 FOR {clause}"


@pytest.mark.parametrize(
    ("clause", "other", "both"),
    [
        ("UPDATE", mark("UPDATE"), False),
        ("UPDATE", mark("KEY SHARE"), False),
        ("UPDATE", "SELECT balance FROM accounts WHERE id = 1", True),
        ("KEY SHARE", mark("KEY SHARE"), True),
        ("KEY SHARE", WRITES["update"], True),
        ("KEY SHARE", WRITES["delete"], False),
        ("KEY SHARE", WRITES["key"], False),
        ("UPDATE", "UPDATE accounts SET balance = 1 WHERE id = 2", True),
    ],
)
def test_marks_of_rows(pair: tuple[Session, Session], clause: str, other: str, both: bool) -> None:
    a, b = pair
    a(mark(clause))
    b(other)
    assert not a.loses()
    assert b.loses() is not both


def test_for_update_of_what_the_predicate_finds(pair: tuple[Session, Session]) -> None:
    a, b = pair
    assert a("SELECT count(*) FROM (SELECT * FROM accounts WHERE balance = 100 FOR UPDATE) found") == [3]
    b("UPDATE accounts SET balance = 5 WHERE id = 3")
    assert not b.loses()
    assert a.loses()


def test_for_update_of_nothing_conflicts_with_nothing(pair: tuple[Session, Session]) -> None:
    a, b = pair
    assert a("SELECT * FROM accounts WHERE id = 9 FOR UPDATE") == []
    b("INSERT INTO accounts VALUES (9, 1)")
    assert not b.loses()
    assert not a.loses()


def test_for_update_of_one_table_of_a_join(stage: Stage) -> None:
    a, b = stage.pair(
        ACCOUNTS, SEED, "CREATE TABLE owners (id int PRIMARY KEY, name text)", "INSERT INTO owners VALUES (1, 'x')"
    )
    assert a("SELECT o.name, c.balance FROM owners o JOIN accounts c USING (id) FOR UPDATE OF c") == [("x", 100)]
    b("UPDATE owners SET name = 'y'")
    assert not b.loses()
    assert not a.loses()


def test_locking_clauses_that_are_not_there(pair: tuple[Session, Session]) -> None:
    a, _ = pair
    error = a.fails(mark("SHARE"))
    assert error.sqlstate == "0A000"
    assert "locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported" in str(error)


# What is checked at the statement, and who is seen through


@pytest.mark.parametrize(
    ("statement", "sqlstate"),
    [
        ("UPDATE accounts SET balance = -1 WHERE id = 1", "23514"),
        ("INSERT INTO accounts VALUES (9, NULL)", "23502"),
        ("INSERT INTO accounts VALUES (1, 1)", "23505"),
    ],
)
def test_constraints_are_checked_at_the_statement(pair: tuple[Session, Session], statement: str, sqlstate: str) -> None:
    a, _ = pair
    assert a.refused(statement) == sqlstate
    assert a.refused("SELECT 1") == "25P02"


def test_a_view_shows_own_writes_and_passes_conflicts_on(stage: Stage) -> None:
    a, b = stage.pair(ACCOUNTS, SEED, "CREATE VIEW rich AS SELECT id, balance FROM accounts WHERE balance > 50")
    for session in (a, b):
        session("UPDATE rich SET balance = balance + 1 WHERE id = 1")
        assert session.tag == "UPDATE 1"
        assert session("SELECT balance FROM rich WHERE id = 1") == [101]
    assert not a.loses()
    assert b.loses()


def test_sequences_go_on_through_conflicts(stage: Stage) -> None:
    a, b = stage.pair("CREATE SEQUENCE numbers CACHE 1", "CREATE TABLE t (id bigint PRIMARY KEY)")
    taken = [session("INSERT INTO t VALUES (nextval('numbers')) RETURNING id")[0] for session in (a, b)]
    assert taken[0] != taken[1]
    assert not a.loses()
    assert not b.loses()


def test_identity_columns_never_collide(stage: Stage) -> None:
    table = "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY, what text)"
    a, b = stage.pair(table)
    keys = [session("INSERT INTO t (what) VALUES ('x') RETURNING id")[0] for session in (a, b, a)]
    assert len(set(keys)) == 3
    assert not a.loses()
    assert not b.loses()


# Nobody waits

HOLDING = (
    "UPDATE accounts SET balance = 1 WHERE id = 1",
    "DELETE FROM accounts WHERE id = 2",
    "INSERT INTO accounts VALUES (9, 1)",
    "SELECT * FROM accounts WHERE id = 3 FOR UPDATE",
    "INSERT INTO children VALUES (2, 1, 'mine')",
)
STATEMENTS = (
    *WRITES.values(),
    "DELETE FROM accounts WHERE id > 1",
    "INSERT INTO accounts VALUES (9, 1)",
    "INSERT INTO accounts VALUES (9, 1) ON CONFLICT DO NOTHING",
    "SELECT * FROM accounts FOR UPDATE",
    "SELECT * FROM parents FOR KEY SHARE",
    "DELETE FROM parents WHERE id = 2",
    "UPDATE parents SET name = 'x'",
    "INSERT INTO children VALUES (2, 1, 'yours')",
)


def test_nobody_waits_for_an_open_transaction(stage: Stage) -> None:
    holder, other = stage.pair(ACCOUNTS, SEED, *family_tables())
    for statement in HOLDING:
        holder(statement)
    for statement in STATEMENTS:
        other("ROLLBACK")
        other("BEGIN")
        at_once(functools.partial(other, statement))
    other("ROLLBACK")
    assert not holder.loses()


def _attempt(session: Session, statement: str) -> None:
    """Run a statement; it may find what others of its kind have left."""
    with contextlib.suppress(psycopg.errors.IntegrityError):
        session(statement)


def test_autocommit_writes_do_not_wait_either(stage: Stage) -> None:
    holder, other = stage.pair(ACCOUNTS, SEED, *family_tables())
    other("ROLLBACK")
    for statement in HOLDING:
        holder(statement)
    for statement in STATEMENTS:
        at_once(functools.partial(_attempt, other, statement))
    assert holder.loses()


BEGINNINGS: dict[str, Callable[[Session], object]] = {
    "simple": lambda session: session.connection.pgconn.exec_(b"BEGIN"),
    "extended": lambda session: session("BEGIN"),
    "prepared": lambda session: [
        session.connection.execute(statement, prepare=True) for statement in ("BEGIN", "COMMIT", "BEGIN")
    ],
    "read only": lambda session: session("START TRANSACTION READ ONLY"),
    "behind deallocation": lambda session: [session("DEALLOCATE ALL"), session("BEGIN")],
}


@pytest.mark.parametrize("how", BEGINNINGS)
def test_the_snapshot_is_taken_at_begin(module_stage: Stage, how: str) -> None:
    other = module_stage.set_up("CREATE TABLE IF NOT EXISTS snapped (id int PRIMARY KEY, v int)", "DELETE FROM snapped")
    other("INSERT INTO snapped VALUES (1, 1)")
    session = module_stage.open()
    BEGINNINGS[how](session)
    other("UPDATE snapped SET v = 2")
    assert session("SELECT v FROM snapped") == [1]
    session("ROLLBACK")
    assert session("SELECT v FROM snapped") == [2]


@pytest.mark.parametrize("first", ["v = v + 1", "u = 2", "v = v + 1, u = 2"])
def test_a_new_unique_key_counts_also_in_a_row_that_was_changed_before(stage: Stage, first: str) -> None:
    a, b = stage.pair(
        "CREATE TABLE keys (id int PRIMARY KEY, v int, u int UNIQUE)", "INSERT INTO keys VALUES (1, 0, 1), (2, 0, NULL)"
    )
    a(f"UPDATE keys SET {first} WHERE id = 1")
    a("UPDATE keys SET u = 3 WHERE id = 1")
    b("UPDATE keys SET u = 3 WHERE id = 2")
    assert not b.loses()
    assert a.loses()
