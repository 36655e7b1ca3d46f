"""Who loses at COMMIT, and that nobody waits before it."""

from concurrent.futures import ThreadPoolExecutor
from time import sleep

import psycopg
import pytest

from tests.unit.occ.sessions import CONFLICT, Engine, Session

pytestmark = pytest.mark.unit

ACCOUNTS = "CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)"
SEED = "INSERT INTO {accounts} VALUES (1, 100), (2, 100)"


@pytest.fixture
def pair(engine: Engine) -> tuple[Session, Session]:
    engine.tables(ACCOUNTS, SEED)
    both = engine.connect(), engine.connect()
    for session in both:
        session("BEGIN")
        session("SELECT FROM {accounts}")
    return both


def test_second_committer_of_one_row_loses(pair: tuple[Session, Session]) -> None:
    a, b = pair
    assert a("UPDATE {accounts} SET balance = balance - 10 WHERE id = 1 RETURNING balance") == [90]
    assert b("UPDATE {accounts} SET balance = balance - 25 WHERE id = 1 RETURNING balance") == [75]
    assert a.tag == b.tag == "UPDATE 1"
    assert b("SELECT balance FROM {accounts} WHERE id = 1") == [75]
    assert not a.commit_conflicts()
    assert b("SELECT balance FROM {accounts} WHERE id = 1") == [75], "a doomed transaction keeps its own reads"
    assert b.commit_conflicts()
    assert a("SELECT balance FROM {accounts} ORDER BY id") == [90, 100]


def test_first_committer_wins_though_it_wrote_last(pair: tuple[Session, Session]) -> None:
    a, b = pair
    a("UPDATE {accounts} SET balance = 1 WHERE id = 1")
    b("UPDATE {accounts} SET balance = 2 WHERE id = 1")
    assert not b.commit_conflicts()
    assert a.commit_conflicts()
    assert b("SELECT balance FROM accounts WHERE id = 1") == [2]


def test_disjoint_rows_both_commit(pair: tuple[Session, Session]) -> None:
    a, b = pair
    a("UPDATE {accounts} SET balance = 1 WHERE id = 1")
    b("UPDATE {accounts} SET balance = 2 WHERE id = 2")
    assert not a.commit_conflicts()
    assert not b.commit_conflicts()
    assert a("SELECT balance FROM {accounts} ORDER BY id") == [1, 2]


def test_rollback_leaves_nothing(pair: tuple[Session, Session]) -> None:
    a, b = pair
    a("UPDATE {accounts} SET balance = 1")
    a("DELETE FROM {accounts} WHERE id = 2")
    a("ROLLBACK")
    assert a("SELECT * FROM {accounts} ORDER BY id") == [(1, 100), (2, 100)]
    b("UPDATE {accounts} SET balance = 3 WHERE id = 2")
    assert not b.commit_conflicts()


def test_two_inserts_of_one_new_key(pair: tuple[Session, Session]) -> None:
    a, b = pair
    a("INSERT INTO {accounts} VALUES (3, 1)")
    b("INSERT INTO {accounts} VALUES (3, 2)")
    assert not b.commit_conflicts()
    assert a.commit_conflicts()


def test_two_inserts_of_one_deferrable_key(engine: Engine) -> None:
    engine.tables("CREATE TABLE codes (id int PRIMARY KEY DEFERRABLE, code int UNIQUE DEFERRABLE)")
    a, b, c = engine.connect(), engine.connect(), engine.connect()
    for session, row in ((a, "1, 7"), (b, "2, 7"), (c, "1, 8")):
        session("BEGIN")
        session(f"INSERT INTO {{codes}} VALUES ({row})")
    assert not a.commit_conflicts()
    assert b.commit_conflicts()
    assert c.commit_conflicts()


def test_write_skew_is_allowed_and_for_update_forbids_it(pair: tuple[Session, Session]) -> None:
    a, b = pair
    a("UPDATE {accounts} SET balance = 0 WHERE id = 1")
    b("UPDATE {accounts} SET balance = 0 WHERE id = 2")
    assert (a.commit_conflicts(), b.commit_conflicts()) == (False, False)
    for session in pair:
        session("BEGIN")
        session.mark("for_update", "accounts", "id IN (1, 2)")
    a("UPDATE {accounts} SET balance = -1 WHERE id = 1")
    b("UPDATE {accounts} SET balance = -1 WHERE id = 2")
    assert (a.commit_conflicts(), b.commit_conflicts()) == (False, True)


def test_one_lost_row_undoes_all_tables(engine: Engine) -> None:
    engine.tables(ACCOUNTS, SEED, "CREATE TABLE log (id int PRIMARY KEY)", "CREATE TABLE notes (note text)")
    a, b = engine.connect(), engine.connect()
    a("BEGIN")
    a("INSERT INTO {log} VALUES (1)")
    a("INSERT INTO {notes} VALUES ('a')")
    a("UPDATE {accounts} SET balance = 0")
    b("UPDATE {accounts} SET balance = 5 WHERE id = 2")
    assert a.commit_conflicts()
    assert a("SELECT * FROM log") == a("SELECT * FROM notes") == []
    assert a("SELECT balance FROM {accounts} ORDER BY id") == [100, 5]


def test_nobody_waits_whatever_is_held_open(engine: Engine) -> None:
    engine.tables(
        ACCOUNTS,
        SEED,
        "CREATE TABLE child (id int PRIMARY KEY, account int REFERENCES accounts)",
        "CREATE UNIQUE INDEX balance_key ON accounts (balance) WHERE id > 2",
    )
    a, b = engine.connect(), engine.connect(statement_timeout="1s")
    for session in (a, b):
        session("BEGIN")
        session("INSERT INTO {accounts} VALUES (3, 7)")
        session("INSERT INTO {child} VALUES (1, 3), (2, 1)")
        session("UPDATE {accounts} SET balance = 8 WHERE id = 1")
        session("DELETE FROM {child} WHERE id = 2")
        session("DELETE FROM {accounts} WHERE id = 2")
    assert (a.commit_conflicts(), b.commit_conflicts()) == (False, True)


def test_a_failed_commit_ends_the_transaction(pair: tuple[Session, Session], engine: Engine) -> None:
    a, _ = pair
    engine.connect()("UPDATE {accounts} SET balance = 0 WHERE id = 1")
    a("UPDATE {accounts} SET balance = 1 WHERE id = 1")
    assert a.fails("COMMIT").diag.message_primary == CONFLICT
    assert a.conn.info.transaction_status.name == "IDLE"


def test_an_autocommit_statement_fails_itself(engine: Engine) -> None:
    engine.tables(ACCOUNTS, SEED)
    slow, quick = engine.connect(), engine.connect()
    update = slow.shadowed("UPDATE {accounts} SET balance = 0 FROM pg_sleep(0.5) WHERE id = 1")
    with ThreadPoolExecutor() as pool:
        running = pool.submit(slow.fails, update)
        sleep(0.2)
        quick("UPDATE {accounts} SET balance = 1 WHERE id = 1")
        assert running.result().diag.message_primary == CONFLICT
    assert slow("SELECT balance FROM {accounts} WHERE id = 1") == [1]


OPERATIONS = {
    "insert": "INSERT INTO {accounts} VALUES (3, 3)",
    "delete": "DELETE FROM {accounts} WHERE id = 1",
    "rekey": "UPDATE {accounts} SET id = 3 WHERE id = 1",
    "update": "UPDATE {accounts} SET balance = balance + 1 WHERE id = 1",
    "for_update": "for_update",
    "for_key_share": "for_key_share",
    "select": "SELECT * FROM {accounts} WHERE id = 1",
}
EXCLUSIVE = {"insert", "delete", "rekey", "for_update"}


def conflicting(one: str, other: str) -> bool:
    """The service's matrix; an INSERT meets only what makes the same new key."""
    kinds = {one, other}
    if "insert" in kinds:
        return kinds <= {"insert", "rekey"}
    if "select" in kinds:
        return False
    return kinds & EXCLUSIVE != set() or kinds == {"update"}


@pytest.mark.parametrize("second", OPERATIONS)
@pytest.mark.parametrize("first", OPERATIONS)
def test_matrix(pair: tuple[Session, Session], first: str, second: str) -> None:
    for session, name in zip(pair, (first, second), strict=True):
        if name.startswith("for_"):
            session.mark(name, "accounts", "id = 1")
        else:
            session(OPERATIONS[name])
    assert not pair[0].commit_conflicts()
    assert pair[1].commit_conflicts() == conflicting(first, second)


@pytest.mark.parametrize("gone", ["DELETE FROM {accounts} WHERE id = 3", "UPDATE {accounts} SET id = 4 WHERE id = 3"])
@pytest.mark.parametrize("came", ["INSERT INTO {accounts} VALUES (3, 2)", "UPDATE {accounts} SET id = 3 WHERE id = 2"])
def test_a_key_that_came_and_went_is_taken(pair: tuple[Session, Session], engine: Engine, came: str, gone: str) -> None:
    a, b = pair
    rival = engine.connect()
    a("INSERT INTO {accounts} VALUES (3, 1)")
    b("UPDATE {accounts} SET id = 3 WHERE id = 1")
    rival(came)
    rival(gone)
    assert (a.commit_conflicts(), b.commit_conflicts()) == (True, True)
    a("INSERT INTO {accounts} VALUES (3, 1)")
    assert a("SELECT balance FROM {accounts} WHERE id = 3") == [1]


def test_keys_used_again_and_again_do_not_hinder(pair: tuple[Session, Session]) -> None:
    a, b = pair
    for session in [a, b, a, b]:
        session("COMMIT")
        session("INSERT INTO {accounts} VALUES (3, 1)")
        session.mark("for_key_share", "accounts", "id = 3")
        session("DELETE FROM {accounts} WHERE id = 3")
        session("BEGIN")
    b("INSERT INTO {accounts} VALUES (3, 1)")
    a("INSERT INTO {accounts} VALUES (4, 1)")
    assert (a.commit_conflicts(), b.commit_conflicts()) == (False, False)


@pytest.mark.parametrize("change", ["delete", "rekey", "for_update"])
def test_a_lost_change_does_not_wipe_out_a_key_share(
    pair: tuple[Session, Session], engine: Engine, change: str
) -> None:
    a, b = pair
    for session in pair:
        if change == "for_update":
            session.mark(change, "accounts", "id = 1")
        else:
            session(OPERATIONS[change])
    sharer = engine.connect()
    sharer.mark("for_key_share", "accounts", "id = 1")
    assert (a.commit_conflicts(), b.commit_conflicts()) == (True, True)
    a(OPERATIONS["delete"])
    assert a("SELECT id FROM accounts") == [2]


def test_purge_removes_what_is_old_under_running_transactions(pair: tuple[Session, Session], engine: Engine) -> None:
    a, b = pair
    other = engine.connect()
    other("INSERT INTO {accounts} VALUES (3, 3)")
    other("DELETE FROM {accounts} WHERE id = 3")
    other.mark("for_key_share", "accounts", "true")
    with psycopg.connect(engine.url, autocommit=True) as conn:
        admin = Session(conn)
        admin("SET default_transaction_isolation = 'read committed'")
        ledger = admin(
            "SELECT oid::regclass::text FROM pg_class WHERE relname ~ '^[0-9]+ (keys|shares)$' AND relkind = 'r'"
        )
        assert len(ledger) == 2
        assert admin("SELECT occ.purge()") == [0]
        for session in pair:
            session("COMMIT")
        for table in ledger:
            admin(f"UPDATE {table} SET occ_at = occ_at - interval '1 hour'")
        a("BEGIN")
        a("INSERT INTO {accounts} VALUES (3, 1)")
        a("DELETE FROM {accounts} WHERE id = 1")
        b("BEGIN")
        b.mark("for_key_share", "accounts", "id = 2")
        assert [admin("SELECT occ.purge()")[0] for _ in range(3)] == [1, 2, 0]
        assert (a.commit_conflicts(), b.commit_conflicts()) == (False, False)
        assert a("SELECT id FROM {accounts} ORDER BY id") == [2, 3]


def test_sweep_takes_what_ended_transactions_left(pair: tuple[Session, Session], engine: Engine) -> None:
    a, b = pair
    engine.connect()("UPDATE {accounts} SET balance = 0 WHERE id = 2")
    a("UPDATE {accounts} SET balance = balance + 1 WHERE id = 1")
    with psycopg.connect(engine.url, autocommit=True) as conn:
        admin = Session(conn)
        (overlay,) = admin("SELECT own FROM occ.shadowed WHERE base = 'accounts'::regclass")
        assert [admin("SELECT occ.sweep(%s)", overlay)[0] for _ in range(2)] == [3, 0]
        assert a("SELECT balance FROM {accounts} WHERE id = 1") == [101]
        assert not a.commit_conflicts()
        b("ROLLBACK")
        assert admin("SELECT occ.sweep(%s)", overlay) == [1]
    assert a("SELECT id, balance FROM {accounts} ORDER BY id") == [(1, 101), (2, 0)]


def test_sweep_waits_for_nobody(engine: Engine) -> None:
    engine.tables("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO {t} VALUES (1)")
    with psycopg.connect(engine.url, autocommit=True) as conn, psycopg.connect(engine.url) as ddl:
        admin = Session(conn)
        (overlay,) = admin("SELECT own FROM occ.shadowed WHERE base = 't'::regclass")
        ddl.execute("DROP TABLE t")
        admin("SET statement_timeout = '1s'")
        assert admin("SELECT occ.sweep(%s)", overlay) == [0]
        ddl.commit()
        assert admin("SELECT occ.sweep(%s)", overlay) == [0]
