"""No plan names anything of the engine's, whatever is asked for and in which format."""

import json
import re
from typing import Final

import psycopg
import pytest

from pytest_dsql.link.handle import Handle
from tests.fix_sessions import Session, Stage

OWN: Final = re.compile(r"occ|xid8")
SET_UP: Final = (
    "CREATE TABLE accounts (id int PRIMARY KEY, owner text UNIQUE, balance numeric(12, 2) DEFAULT 0)",
    "CREATE TABLE notes (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), account int, body text)",
    "CREATE TABLE loose (a int, b text)",
    "CREATE VIEW rich AS SELECT id, owner FROM accounts WHERE balance > 100",
    "CREATE VIEW noted AS SELECT r.owner, n.body FROM rich r JOIN notes n ON n.account = r.id",
    "CREATE FUNCTION balance_of(n int) RETURNS numeric STABLE RETURN (SELECT balance FROM accounts WHERE id = n)",
    "CREATE FUNCTION all_rich() RETURNS SETOF rich LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM rich; END",
    """CREATE FUNCTION pay() RETURNS int LANGUAGE plpgsql AS
       $$BEGIN UPDATE accounts SET balance = 1; RETURN (SELECT count(*) FROM accounts); END$$""",
    "INSERT INTO accounts SELECT n, 'o' || n, n FROM generate_series(1, 50) n",
    "INSERT INTO notes (account, body) SELECT n, 'x' FROM generate_series(1, 50) n",
)
STATEMENTS: Final = (
    "SELECT * FROM accounts",
    "SELECT a FROM accounts a WHERE owner LIKE 'o%' AND id > 3 AND balance > 2",
    "SELECT count(*), max(balance) FROM accounts a JOIN notes n ON n.account = a.id GROUP BY a.owner",
    "SELECT * FROM accounts WHERE id IN (SELECT account FROM notes) OR NOT EXISTS (SELECT FROM loose WHERE a = id)",
    "SELECT * FROM loose l, LATERAL (SELECT * FROM accounts WHERE id = l.a) x",
    "WITH a AS (SELECT * FROM rich), b AS MATERIALIZED (TABLE noted) SELECT * FROM a, b",
    "WITH a AS (DELETE FROM loose RETURNING *) SELECT * FROM a JOIN accounts ON id = a.a",
    "SELECT * FROM noted ORDER BY owner LIMIT 3",
    "SELECT * FROM rich r JOIN rich s USING (id)",
    "SELECT balance_of(3), balance_of(id) FROM accounts",
    "SELECT * FROM all_rich()",
    "SELECT pay()",
    "SELECT * FROM accounts FOR UPDATE",
    "SELECT * FROM (SELECT id FROM accounts FOR KEY SHARE) x",
    "SELECT tableoid, id FROM accounts",
    "INSERT INTO accounts VALUES (99, 'x') ON CONFLICT (id) DO UPDATE SET owner = excluded.owner RETURNING *",
    "INSERT INTO loose SELECT id, owner FROM accounts",
    "INSERT INTO notes (body) VALUES ('a'), ('b')",
    "UPDATE accounts a SET balance = n.account FROM notes n WHERE n.account = a.id RETURNING a.*, n.body",
    "UPDATE loose SET b = 'y'",
    "UPDATE rich SET owner = 'z' WHERE id = 40",
    "DELETE FROM accounts USING noted WHERE noted.owner = accounts.owner",
    "DELETE FROM loose",
    "SELECT * FROM sys.jobs",
    "SELECT * FROM sys.jobs j JOIN accounts ON j.job_id = owner",
    "SELECT * FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace",
    "SELECT * FROM information_schema.columns",
    "SELECT * FROM pg_indexes",
    "VALUES (1), (2)",
)
FORMS: Final = ("", "(VERBOSE)", "(ANALYZE)", "(ANALYZE, VERBOSE)", "(VERBOSE, FORMAT JSON)", "(ANALYZE, FORMAT XML)",
                "(ANALYZE, VERBOSE, FORMAT YAML)")  # fmt: skip


@pytest.fixture
def session(stage: Stage) -> Session:
    return stage.set_up(*SET_UP)


def test_no_plan_names_the_engines_own(session: Session) -> None:
    for statement in STATEMENTS:
        for form in FORMS:
            session("BEGIN")
            session("UPDATE accounts SET balance = balance + 1 WHERE id = 7")
            plan = json.dumps(session(f"EXPLAIN {form} {statement}"))
            session("ROLLBACK")
            assert OWN.search(plan) is None, f"EXPLAIN {form} {statement}: {plan}"


def test_a_routine_that_analyze_runs_sees_what_the_transaction_has_done(session: Session) -> None:
    session("BEGIN")
    session("INSERT INTO accounts VALUES (60, 'new')")
    session("EXPLAIN ANALYZE SELECT pay()")
    assert session("SELECT pay()") == [51]
    assert session("SELECT count(*) FROM accounts WHERE balance = 1") == [51]
    session("ROLLBACK")


@pytest.mark.parametrize("prepare", [False, True])
def test_analyze_of_a_change_that_loses_is_told_so_alone(session: Session, handle: Handle, prepare: bool) -> None:
    change = "EXPLAIN ANALYZE UPDATE accounts SET balance = 7 WHERE id = %s"
    with handle.fault("fail"), pytest.raises(psycopg.errors.SerializationFailure):
        session.connection.execute(change, (3,), prepare=prepare)
    assert session("SELECT balance FROM accounts WHERE id = 3") == [3]
    session.connection.execute(change, (3,), prepare=prepare)
    assert session("SELECT balance FROM accounts WHERE id = 3") == [7]


def test_a_plan_is_of_the_sizes_that_are_committed(session: Session) -> None:
    session("DELETE FROM loose")
    for first in (0, 3000):
        session(f"INSERT INTO loose SELECT n, 'x' FROM generate_series({first}, {first} + 2999) n")
    (line, *_) = session("EXPLAIN SELECT * FROM loose")
    assert " rows=6000 " in line
