"""EXPLAIN shows scans of B-trees in storage, chosen by the sizes of tables; ANALYZE runs what it is asked of."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.fix_cluster import Cluster
from tests.fix_principals import Caller, mapped
from tests.fix_sessions import Session, Stage

ACCOUNTS = "CREATE TABLE accounts (id int PRIMARY KEY, balance int)"
TRANSACTIONS = """CREATE TABLE transactions (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), payer_id int, payee_id int,
    amount int, created_at timestamp DEFAULT CURRENT_TIMESTAMP)"""
HISTORY = "INSERT INTO transactions (payer_id, payee_id, amount) SELECT n, n + 1, 1 FROM generate_series({}, {}) n"
COLUMNS = "id, payer_id, payee_id, amount, created_at"
LATEST = f"SELECT {COLUMNS} FROM transactions WHERE payer_id = 1 ORDER BY created_at DESC LIMIT 5"
MANY, AT_ONCE = 21_000, 3_000


@pytest.fixture(scope="module")
def history(module_schema: str, own_cluster: Cluster) -> Iterator[str]:
    """Tables with few rows, of which one has an index besides; the schema that they are in."""
    stage = Stage(lambda: own_cluster.connect(options=f"-c search_path={module_schema}"))
    session = stage.set_up(ACCOUNTS, TRANSACTIONS, HISTORY.format(1, 6))
    session.retried("INSERT INTO accounts SELECT n, 100 FROM generate_series(1, 6) n")
    assert session.job("CREATE INDEX ASYNC payer ON transactions (payer_id, created_at)")
    yield module_schema
    session.connection.close()


@pytest.fixture
def session(history: str, module_stage: Stage) -> Session:
    session = module_stage.open()
    session.catch_up()
    return session


def bare(lines: list[str]) -> list[str]:
    """A plan without its figures."""
    return [re.sub(r" +\((cost|actual|never).*", "", line) for line in lines if "Time: " not in line]


def test_nothing_is_scanned_without_a_table(session: Session) -> None:
    assert session("EXPLAIN SELECT 1") == ["Result  (cost=0.00..0.01 rows=1 width=4)"]


def test_sizes_are_looked_up_in_whatever_case_it_is_asked(session: Session) -> None:
    session("CREATE TABLE few (id int PRIMARY KEY)")
    session.retried("INSERT INTO few SELECT generate_series(1, 6)")
    assert "rows=6 " in session("eXpLaIn SELECT id FROM few")[0]


def test_six_rows_are_scanned(session: Session) -> None:
    lines = session(f"EXPLAIN ANALYZE {LATEST}")
    assert bare(lines) == [
        "Limit",
        "  ->  Sort",
        "        Sort Key: created_at DESC",
        "        Sort Method: quicksort  Memory: 25kB",
        "        ->  Full Scan (btree-table) on transactions",
        "              -> Storage Scan on transactions",
        f"                  Projections: {COLUMNS}",
        "                  Filters: (payer_id = 1)",
        "                  Rows Filtered: 5",
        "                  -> B-Tree Scan on transactions",
    ]
    assert re.search(r"\(cost=\S+ rows=\d+ width=36 loops=1\) \(actual rows=6 loops=1\)$", lines[9])


def test_many_rows_are_looked_up(stage: Stage) -> None:
    session = stage.set_up(TRANSACTIONS)
    assert session.job("CREATE INDEX ASYNC payer ON transactions (payer_id, created_at)")
    for first in range(1, MANY, AT_ONCE):
        session.retried(HISTORY.format(first, first + AT_ONCE - 1))
    assert bare(session(f"EXPLAIN ANALYZE {LATEST}")) == [
        "Limit",
        "  ->  Index Scan Backward using payer on transactions",
        "        Index Cond: (payer_id = 1)",
        "        -> Storage Scan on payer",
        "            -> B-Tree Scan on payer",
        "                Index Cond: (payer_id = 1)",
        "        -> Storage Lookup on transactions",
        f"            Projections: {COLUMNS}",
        "            -> B-Tree Lookup on transactions",
    ]
    assert bare(session("EXPLAIN SELECT amount FROM transactions WHERE id = gen_random_uuid()"))[0] in {
        "Index Only Scan using transactions_pkey on transactions",
        "Full Scan (btree-table) on transactions",
    }


def test_verbose_tells_names_and_what_it_took(session: Session, history: str) -> None:
    lines = session("EXPLAIN (ANALYZE, VERBOSE, COSTS OFF) SELECT balance FROM accounts")
    assert bare(lines)[:4] == [
        f"Full Scan (btree-table) on {history}.accounts",
        "  Output: balance",
        f"  -> Storage Scan on {history}.accounts",
        "      Projections: balance",
    ]
    told = "\n".join(lines[-8:])
    assert re.search(r"Query Identifier: [a-z0-9]{13}\nPlanning Time: .* ms\nExecution Time: .* ms\n", told)
    assert [line.split(":")[0] for line in lines[-5:]] == ["Statement DPU Estimate", *
        (f"  {unit}" for unit in ("Compute", "Read", "Write", "Total"))]  # fmt: skip


@pytest.mark.parametrize(
    ("layout", "number", "begins"),
    [("JSON", 114, None), ("XML", 142, "<explain xmlns="), ("YAML", 25, '- Plan: \n    Node Type: "Full')],
)
def test_other_formats_are_one_row(session: Session, layout: str, number: int, begins: str | None) -> None:
    cursor = session.connection.execute(f"EXPLAIN (FORMAT {layout}) SELECT id FROM accounts")
    assert cursor.description is not None
    assert [(column.name, column.type_code) for column in cursor.description] == [("QUERY PLAN", number)]
    (row,) = cursor.fetchall()
    plan: Any = row[0]
    if begins is None:
        assert plan[0]["Plan"]["Plans"][0]["Node Type"] == "Storage Scan"
    else:
        assert plan.startswith(begins)


@pytest.mark.parametrize("prepare", [False, True])
@pytest.mark.parametrize("binary", [False, True])
def test_a_plan_with_parameters(session: Session, prepare: bool, binary: bool) -> None:
    with session.connection.cursor(binary=binary) as cursor:
        for value in (3, 4):
            cursor.execute("EXPLAIN SELECT id FROM accounts WHERE id = %s", (value,), prepare=prepare)
            assert cursor.description is not None
            assert (len(cursor.description), cursor.description[0].name) == (1, "QUERY PLAN")
            assert f"'{value}'" in "".join(str(row[0]) for row in cursor.fetchall())


def test_a_plan_changes_nothing(session: Session) -> None:
    lines = bare(session("EXPLAIN UPDATE accounts SET balance = 0 WHERE balance > 7"))
    assert lines[:2] == ["Update on accounts", "  ->  Full Scan (btree-table) on accounts"]
    assert session("SELECT sum(balance) FROM accounts") == [600]


def test_analyze_of_a_change_is_the_change(session: Session, module_stage: Stage) -> None:
    other = module_stage.open()
    session("BEGIN")
    lines = session("EXPLAIN ANALYZE UPDATE accounts SET balance = balance - %s WHERE id = %s", 10, 1)
    assert lines[0].startswith("Update on accounts  (cost=")
    assert re.search(r"Scan .*actual time=.* rows=1 loops=1\)$", lines[1])
    assert session("SELECT balance FROM accounts WHERE id = 1") == [90]
    other("UPDATE accounts SET balance = balance WHERE id = 1")
    assert session.loses()


def test_analyze_of_a_lock_is_the_lock(session: Session, module_stage: Stage) -> None:
    other = module_stage.open()
    session("BEGIN")
    assert bare(session("EXPLAIN ANALYZE SELECT * FROM accounts WHERE id = 2 FOR UPDATE"))[0] == "LockRows"
    session("UPDATE accounts SET balance = 100 WHERE id = 3")
    other("UPDATE accounts SET balance = 100 WHERE id = 2")
    assert session.loses()


def test_analyze_counts_rows_for_the_limit(session: Session) -> None:
    assert session.refused("EXPLAIN ANALYZE INSERT INTO accounts SELECT n FROM generate_series(10, 3010) n") == "54000"


def test_what_a_transaction_has_changed_stays_behind_a_plan(session: Session) -> None:
    session("BEGIN")
    session("UPDATE accounts SET balance = 5 WHERE id = 4")
    session("EXPLAIN ANALYZE SELECT * FROM accounts")
    assert session("SELECT balance FROM accounts WHERE id = 4") == [5]
    session("ROLLBACK")


@pytest.mark.parametrize(
    ("statement", "sqlstate"),
    [("SELECT * FROM accounts FOR SHARE", "0A000"), ("SELECT ctid FROM accounts", "42703"),
     ("SELECT nothing FROM accounts", "42703"), ("CREATE TABLE copy AS SELECT 1", "0A000")],
)  # fmt: skip
def test_what_is_refused_is_not_planned(session: Session, statement: str, sqlstate: str) -> None:
    assert session.refused(statement) == session.refused(f"EXPLAIN {statement}") == sqlstate


def test_who_may_not_read_a_table_may_not_have_its_plan(
    session: Session, history: str, caller: Caller, role: str
) -> None:
    with mapped(session.connection, role, caller.arn):
        stranger = Session(caller.connect(role))
        assert stranger.refused(f"EXPLAIN SELECT * FROM {history}.accounts") == "42501"


def test_catalogs_are_scanned_as_in_postgres(session: Session) -> None:
    (first, *_) = bare(session("EXPLAIN SELECT relname FROM pg_class WHERE oid = 1"))
    assert first == "Index Scan using pg_class_oid_index on pg_class"


def test_psql_shows_a_plan(session: Session, history: str, cluster: Cluster) -> None:
    if shutil.which("psql") is None:
        pytest.skip("psql is not installed")
    environment = {**cluster.environment, "PGUSER": "admin", "PGPASSWORD": cluster.token(), "PGDATABASE": "postgres"}
    script = f"SET search_path = {history}; EXPLAIN (COSTS OFF) TABLE accounts; SELECT 1"
    done = subprocess.run(
        ["psql", "-XAqt"],
        input=script,
        env={**environment, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.splitlines()[0] == "Full Scan (btree-table) on accounts", done.stderr


def test_a_plan_that_failed_is_followed_by_others(session: Session) -> None:
    with pytest.raises(psycopg.errors.SyntaxError):
        session("EXPLAIN (NOTHING) SELECT 1")
    session("BEGIN")
    session.fails("EXPLAIN ANALYZE SELECT 1 / 0 FROM accounts")
    session("ROLLBACK")
    session("BEGIN")
    session("UPDATE accounts SET balance = 7 WHERE id = 5")
    assert session("SELECT balance FROM accounts WHERE id = 5") == [7]
    session("ROLLBACK")
