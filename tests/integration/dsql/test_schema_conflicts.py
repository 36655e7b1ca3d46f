"""A schema change is news to sessions that have used a table before: one OC001 each, and it waits for nobody."""

import contextlib
import functools

import psycopg
import pytest

from tests.fix_cluster import change
from tests.fix_sessions import IDLE, Session, Stage, at_once

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v int)"
SEED = "INSERT INTO t VALUES (1, 1), (2, 2)"
READ = "SELECT id FROM t ORDER BY id"


@pytest.fixture
def two(stage: Stage) -> tuple[Session, Session]:
    """A session that will change the schema, and one that has used the table as it is."""
    changer, other = stage.set_up(TABLE, SEED), stage.open()
    assert other(READ) == [1, 2]
    return changer, other


def conflict(session: Session, statement: str) -> None:
    error = session.fails(statement)
    assert error.sqlstate == "40001"
    assert "OC001" in str(error)


CHANGES = {
    "create": "CREATE TABLE other (id int)",
    "add-column": "ALTER TABLE t ADD COLUMN w int",
    "view": "CREATE VIEW shown AS SELECT id FROM t",
    "sequence": "CREATE SEQUENCE numbers CACHE 1",
    "function": "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "comment": "COMMENT ON TABLE t IS 'commented'",
    "rename": "ALTER TABLE t RENAME COLUMN v TO w",
    "drop": "DROP TABLE t",
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_schema_change_costs_others_one_statement(two: tuple[Session, Session], what: str) -> None:
    changer, other = two
    change(changer.connection, CHANGES[what])
    conflict(other, "SELECT count(*) FROM t")
    assert other.status == IDLE
    assert what == "drop" or other("SELECT count(*) FROM t") == [2]
    assert changer("SELECT 1") == [1]


@pytest.mark.parametrize("statement", ["SELECT * FROM t", "INSERT INTO t VALUES (3, 3)", "DELETE FROM t"])
def test_reads_and_writes_meet_it_and_the_retry_passes(two: tuple[Session, Session], statement: str) -> None:
    changer, other = two
    change(changer.connection, CHANGES["create"])
    conflict(other, statement)
    other(statement)


@pytest.mark.parametrize("statement", ["SELECT 1", "SHOW timezone", "BEGIN READ WRITE", "SET timezone = 'UTC'"])
def test_what_touches_no_table_does_not_meet_it(two: tuple[Session, Session], statement: str) -> None:
    changer, other = two
    change(changer.connection, CHANGES["create"])
    other(statement)
    conflict(other, READ)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT relname FROM pg_class",
        "SELECT table_name FROM information_schema.tables",
        "CREATE TABLE mine (id int)",
        "CREATE SEQUENCE mine CACHE 1",
        "CREATE INDEX ASYNC ON t (v)",
        "INSERT INTO other VALUES (1)",
    ],
)
def test_a_look_into_the_catalogs_ddl_and_a_new_table_bring_a_session_up_to_date(
    two: tuple[Session, Session], statement: str
) -> None:
    changer, other = two
    change(changer.connection, CHANGES["create"])
    other(statement)
    assert other(READ) == [1, 2]


def test_a_session_that_ran_nothing_passes(stage: Stage) -> None:
    changer = stage.set_up(TABLE, SEED)
    idle = stage.open()
    change(changer.connection, CHANGES["create"])
    idle("UPDATE t SET v = 9 WHERE id = 1")


def test_own_ddl_and_the_end_of_own_jobs_are_no_news(stage: Stage) -> None:
    session = stage.set_up(TABLE, SEED)
    for statement in (
        "CREATE INDEX ASYNC ON t (v)",
        "CREATE TABLE u (id int PRIMARY KEY, v int, w int)",
        "CREATE UNIQUE INDEX ASYNC ON u (v)",
        "CREATE INDEX ASYNC ON u (w)",
        READ,
        "CREATE INDEX ASYNC ON u (v, w)",
        "INSERT INTO t VALUES (3, 3)",
        "ALTER TABLE u ADD CHECK (v > 0) NOT VALID",
        "ALTER TABLE ASYNC u VALIDATE CONSTRAINT u_v_check",
        "INSERT INTO u VALUES (1, 1, 1)",
    ):
        session(statement)
    (running,) = session("SELECT count(*) FROM sys.jobs WHERE status NOT IN ('completed', 'failed')")
    for _ in range(running):
        (job,) = session("SELECT min(job_id) FROM sys.jobs WHERE status NOT IN ('completed', 'failed')")
        assert not job or session(f"CALL sys.wait_for_job('{job}')") == [True]
    assert session(READ) == [1, 2, 3]
    session("CREATE INDEX ASYNC ON t (v, id)")


@pytest.mark.parametrize("what", ["create", "add-column"])
def test_a_prepared_statement_meets_it_once_and_shows_the_table_as_it_is(
    two: tuple[Session, Session], what: str
) -> None:
    changer, other = two
    read = functools.partial(other.connection.execute, "SELECT * FROM t WHERE id = %s", (1,), prepare=True)
    assert read().fetchall() == [(1, 1)]
    change(changer.connection, CHANGES[what])
    with pytest.raises(psycopg.errors.SerializationFailure, match="OC001"):
        read()
    for _ in range(3):
        assert read().fetchall() == ([(1, 1)] if what == "create" else [(1, 1, None)])


def test_a_prepared_upsert_knows_the_new_column(two: tuple[Session, Session]) -> None:
    changer, other = two
    write = "INSERT INTO t VALUES (%s, 5) ON CONFLICT (id) DO UPDATE SET v = 6"
    other.connection.execute(write, (1,), prepare=True)
    change(changer.connection, "ALTER TABLE t ADD COLUMN w int")
    change(changer.connection, "ALTER TABLE t ALTER COLUMN w SET DEFAULT 7")
    with pytest.raises(psycopg.errors.SerializationFailure, match="OC001"):
        other.connection.execute(write, (3,), prepare=True)
    other.connection.execute(write, (3,), prepare=True)
    assert other("SELECT * FROM t WHERE id = 3") == [(3, 5, 7)]


def test_it_is_met_though_the_transaction_began_after_the_change(two: tuple[Session, Session]) -> None:
    changer, other = two
    change(changer.connection, CHANGES["create"])
    other("BEGIN")
    conflict(other, "SELECT * FROM t")
    assert other.refused("SELECT * FROM t") == "25P02"
    other("COMMIT")
    assert other.tag == "ROLLBACK"
    assert other(READ) == [1, 2]


@pytest.mark.parametrize("statement", ["SELECT * FROM t", "UPDATE t SET v = 9 WHERE id = 1"])
def test_a_change_in_the_midst_of_a_transaction_fails_its_commit(two: tuple[Session, Session], statement: str) -> None:
    changer, other = two
    other.begin()(statement)
    at_once(functools.partial(change, changer.connection, CHANGES["create"]))
    assert other.loses("OC001")
    assert changer("SELECT v FROM t ORDER BY id") == [1, 2]
    other(statement)


@pytest.mark.parametrize("statement", ["SELECT * FROM t", "UPDATE t SET v = 9 WHERE id = 1"])
@pytest.mark.parametrize("what", ["add-column", "drop"])
def test_ddl_does_not_wait_for_who_uses_its_table(two: tuple[Session, Session], statement: str, what: str) -> None:
    changer, other = two
    other.begin()(statement)
    at_once(functools.partial(change, changer.connection, CHANGES[what]))
    assert other("SELECT 1") == [1]
    conflict(other, "SELECT * FROM t")
    assert other.refused("SELECT 1") == "25P02"
    other("COMMIT")
    assert other.tag == "ROLLBACK"


def test_ddl_does_not_wait_for_a_transaction_that_goes_straight_to_commit(two: tuple[Session, Session]) -> None:
    changer, other = two
    other.begin()("UPDATE t SET v = 9 WHERE id = 1")
    at_once(functools.partial(change, changer.connection, CHANGES["add-column"]))
    assert other.loses("OC001")
    assert changer("SELECT v FROM t WHERE id = 1") == [1]


def test_a_commit_that_was_prepared_learns_of_it_too(two: tuple[Session, Session]) -> None:
    changer, other = two
    other.begin()("UPDATE t SET v = 9 WHERE id = 1")
    at_once(functools.partial(change, changer.connection, CHANGES["add-column"]))
    with pytest.raises(psycopg.errors.SerializationFailure, match="OC001"):
        other.connection.execute("COMMIT", prepare=True)
    assert other.status == IDLE


def test_nobody_waits_for_open_ddl(two: tuple[Session, Session]) -> None:
    changer, other = two
    changer("BEGIN")
    changer("ALTER TABLE t ADD COLUMN w int")
    assert at_once(functools.partial(other, "SELECT id FROM t ORDER BY id")) == [1, 2]
    at_once(functools.partial(other, "UPDATE t SET v = 5 WHERE id = 1"))


def test_of_two_open_changes_of_one_table_one_loses(two: tuple[Session, Session]) -> None:
    one, _ = two
    for column, session in zip("xy", two, strict=True):
        session("BEGIN")
        at_once(functools.partial(_tried, session, f"ALTER TABLE t ADD COLUMN {column} int"))
    for session in two:
        at_once(functools.partial(_tried, session, "COMMIT"))
    for session in two:
        session("ROLLBACK")
    columns = "SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0"
    assert len(one.retried(columns)) < 4


def _tried(session: Session, statement: str) -> None:
    """Run a statement; it may find that it has lost."""
    with contextlib.suppress(psycopg.errors.SerializationFailure, psycopg.errors.InFailedSqlTransaction):
        session(statement)


@pytest.mark.parametrize("what", ["add-column", "drop", "rename"])
def test_a_change_does_not_wait_for_another_that_is_open(stage: Stage, what: str) -> None:
    stage.set_up("CREATE TABLE t (id int PRIMARY KEY, v int DEFAULT 1)")
    one, other = stage.open(), stage.open()
    one("BEGIN")
    one(CHANGES[what])
    at_once(functools.partial(change, other.connection, CHANGES["create"]))
    at_once(stage.open)
    assert one.loses("OC001")


@pytest.mark.parametrize("statement", ["DROP TABLE missing", "CREATE TABLE t (id int)", "TRUNCATE t"])
def test_a_failed_change_costs_nobody_anything(two: tuple[Session, Session], statement: str) -> None:
    changer, other = two
    changer.fails(statement)
    assert other("SELECT id FROM t ORDER BY id") == [1, 2]


def test_a_change_that_is_rolled_back_costs_nobody_anything(two: tuple[Session, Session]) -> None:
    changer, other = two
    changer("BEGIN")
    changer("CREATE TABLE gone (id int)")
    changer("ROLLBACK")
    assert other("SELECT id FROM t ORDER BY id") == [1, 2]


def test_an_open_change_is_not_seen_and_met_when_it_commits(two: tuple[Session, Session]) -> None:
    changer, other = two
    changer("BEGIN")
    changer(CHANGES["create"])
    assert other.refused("SELECT * FROM other") == "42P01"
    assert other(READ) == [1, 2]
    changer("COMMIT")
    conflict(other, READ)
    assert other("SELECT * FROM other") == []


def test_grants_count(two: tuple[Session, Session], role: str) -> None:
    changer, other = two
    for statement in (f"GRANT SELECT ON t TO {role}", f"REVOKE SELECT ON t FROM {role}"):
        change(changer.connection, statement)
        conflict(other, "SELECT id FROM t")
        assert other("SELECT count(*) FROM t") == [2]


def test_the_end_of_an_index_build_counts_for_others(two: tuple[Session, Session]) -> None:
    changer, other = two
    assert changer.job("CREATE INDEX ASYNC ON t (v)")
    conflict(other, READ)
    assert other("SELECT count(*) FROM t") == [2]
    assert changer(READ) == [1, 2]


def test_several_changes_cost_one(two: tuple[Session, Session]) -> None:
    changer, other = two
    for number in range(3):
        change(changer.connection, f"CREATE TABLE other_{number} (id int)")
    conflict(other, READ)
    assert other(READ) == [1, 2]
