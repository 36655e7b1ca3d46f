"""Indexes are built by jobs: asynchronous, watched in sys.jobs, valid when they are done."""

import re

import pytest

from tests.fix_sessions import Session, Stage

TABLE = "CREATE TABLE t (id int PRIMARY KEY, a int, b text)"
SEED = "INSERT INTO t VALUES (1, 1, 'x'), (2, 1, 'y'), (3, NULL, 'Z')"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = '{}'::regclass"


@pytest.fixture
def session(stage: Stage) -> Session:
    return stage.set_up(TABLE, SEED)


def test_an_index_is_a_job(session: Session) -> None:
    (job,) = session("CREATE INDEX ASYNC t_a ON t (a)")
    assert session.tag == "CREATE INDEX"
    assert re.fullmatch("[a-z2-7]{26}", job)
    assert session.retried(f"CALL sys.wait_for_job('{job}')") == [True]
    found = session(f"SELECT status, job_type, class_id, object_name FROM sys.jobs WHERE job_id = '{job}'")
    assert found == [("completed", "INDEX_BUILD", 1259, None)]
    assert session(VALID.format("t_a")) == [True]


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("CREATE INDEX ASYNC ON t (a)", "t_a_idx"),
        ("CREATE INDEX ASYNC IF NOT EXISTS i ON t (a, b)", "i"),
        ("CREATE UNIQUE INDEX ASYNC i ON t (b)", "i"),
        ("CREATE UNIQUE INDEX ASYNC i ON t (a) WHERE id > 1", "i"),
        ("CREATE INDEX ASYNC i ON t (lower(b))", "i"),
        ("CREATE INDEX ASYNC i ON t (a) INCLUDE (b)", "i"),
        ("CREATE UNIQUE INDEX ASYNC i ON t (a, id) NULLS NOT DISTINCT", "i"),
        ("CREATE INDEX ASYNC i ON t (a NULLS FIRST)", "i"),
    ],
)
def test_kinds_of_indexes(session: Session, statement: str, name: str) -> None:
    assert session.job(statement)
    assert session(VALID.format(name)) == [True]
    session("UPDATE t SET a = id + 10, b = b || id")
    assert session("SELECT id FROM t WHERE a = 12") == [2]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("CREATE INDEX i ON t (a)", "unsupported mode. please use CREATE INDEX ASYNC."),
        ("CREATE INDEX ASYNC i ON t USING hash (a)", "USING not supported for CREATE INDEX"),
        ("CREATE INDEX ASYNC i ON t (a DESC)", "specifying sort order not supported for index keys"),
    ],
)
def test_refused_indexes(session: Session, statement: str, message: str) -> None:
    error = session.fails(statement)
    assert (error.sqlstate, error.diag.message_primary) == ("0A000", message)


def test_a_unique_build_fails_on_duplicates_and_leaves_an_invalid_index(session: Session) -> None:
    (job,) = session("CREATE UNIQUE INDEX ASYNC i ON t (a)")
    assert session.retried(f"CALL sys.wait_for_job('{job}')") == [False]
    status = f"SELECT status, details FROM sys.jobs WHERE job_id = '{job}'"
    assert session(status) == [("failed", "Found duplicate key while validating index for UCVs")]
    assert session(VALID.format("i")) == [False]
    session("INSERT INTO t VALUES (4, 9, 'w')")
    session("DROP INDEX i")
    session("INSERT INTO t VALUES (5, 1, 'w')")


def test_a_unique_index_is_checked_at_the_statement_and_at_commit(session: Session, stage: Stage) -> None:
    session.job("CREATE UNIQUE INDEX ASYNC i ON t (b)")
    assert session.refused("INSERT INTO t VALUES (4, 1, 'x')") == "23505"
    a, b = stage.pair()
    a("INSERT INTO t VALUES (4, 1, 'new')")
    b("UPDATE t SET b = 'new' WHERE id = 1")
    assert not a.loses()
    assert b.loses()


def test_an_index_on_an_expression_is_unique_over_it(session: Session) -> None:
    session.job("CREATE UNIQUE INDEX ASYNC i ON t (lower(b))")
    assert session.refused("INSERT INTO t VALUES (4, 1, 'X')") == "23505"
    session("INSERT INTO t VALUES (4, 1, 'z') ON CONFLICT DO NOTHING")
    assert session.tag == "INSERT 0 0"


def test_an_index_becomes_a_constraint(session: Session) -> None:
    session.job("CREATE UNIQUE INDEX ASYNC i ON t (b)")
    session.retried("ALTER TABLE t ADD CONSTRAINT unique_b UNIQUE USING INDEX i")
    error = session.fails("INSERT INTO t VALUES (4, 1, 'x')")
    assert error.sqlstate == "23505"
    assert error.diag.constraint_name == "unique_b"


def test_an_index_in_a_transaction_of_its_own(session: Session) -> None:
    session("BEGIN")
    (job,) = session("CREATE INDEX ASYNC i ON t (a)")
    session("COMMIT")
    assert session.retried(f"CALL sys.wait_for_job('{job}')") == [True]


def test_an_index_that_is_rolled_back_is_not_built(session: Session) -> None:
    session("BEGIN")
    session("CREATE INDEX ASYNC i ON t (a)")
    session("ROLLBACK")
    assert session("SELECT to_regclass('i')") == [None]


REFUSED_AT_ONCE = {
    "SELECT sys.wait_for_job('aaaaaaaaaaaaaaaaaaaaaaaaaa')": "42809",
    "CALL sys.wait_for_job('nonsense')": "22P02",
    "CALL sys.wait_for_job((SELECT job_id FROM sys.jobs LIMIT 1))": "0A000",
    "CREATE INDEX ASYNC i ON missing (a)": "42P01",
    "CREATE INDEX ASYNC i ON t (missing)": "42703",
    "CREATE INDEX ASYNC public.i ON t (a)": "42601",
    "CREATE INDEX ASYNC i ON t (random())": "42P17",
}


def test_jobs_that_are_refused_at_once(session: Session) -> None:
    assert {statement: session.refused(statement) for statement in REFUSED_AT_ONCE} == REFUSED_AT_ONCE


def test_a_dropped_index_is_gone(session: Session) -> None:
    session.job("CREATE INDEX ASYNC i ON t (a)")
    session.retried("DROP INDEX i")
    assert session("SELECT to_regclass('i')") == [None]


def test_writes_go_on_while_an_index_is_built(session: Session, stage: Stage) -> None:
    writer = stage.open()
    (job,) = session("CREATE INDEX ASYNC i ON t (a)")
    for number in range(10, 20):
        writer.retried(f"INSERT INTO t VALUES ({number}, {number}, 'w')")
    assert session.retried(f"CALL sys.wait_for_job('{job}')") == [True]
    assert session.retried("SELECT count(*) FROM t WHERE a >= 10") == [10]
