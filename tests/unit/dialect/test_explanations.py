"""EXPLAIN is asked of PostgreSQL as JSON of what is committed; what has effects is run by the engine besides."""

import pytest

from pytest_dsql.local.dialect import Explanation
from tests.unit.dialect.bank_catalog import judge

ASKED = "VERBOSE, FORMAT JSON, BUFFERS OFF, SETTINGS OFF, WAL OFF"
NOT_RUN = f"{ASKED}, ANALYZE OFF, TIMING OFF"
A = "pg_occ_2200.accounts"


def explanation(sql: str) -> tuple[str, Explanation]:
    statement = judge(sql)
    assert isinstance(statement.details, Explanation)
    return statement.sql, statement.details


@pytest.mark.parametrize(
    ("head", "options"),
    [("EXPLAIN", ""), ("explain analyze verbose", "analyze, verbose, "), ("EXPLAIN (COSTS OFF, ANALYZE)",
      "COSTS OFF, ANALYZE, "), ("/* x */ EXPLAIN ANALYSE", "ANALYSE, ")],
)  # fmt: skip
@pytest.mark.parametrize("query", ["TABLE accounts", "(SELECT 1)", "SELECT 'é' FROM accounts -- c"])
def test_the_statement_is_planned_as_it_was_written(head: str, options: str, query: str) -> None:
    assert explanation(f"{head} {query}")[0] == f"EXPLAIN ({options}{ASKED}) {query.removesuffix(' -- c')}"


@pytest.mark.parametrize(
    "query",
    [
        "UPDATE accounts SET balance = 1",
        "SELECT * FROM accounts FOR UPDATE",
        "WITH a AS (DELETE FROM accounts RETURNING id) SELECT * FROM a",
        "INSERT INTO accounts VALUES (1) ON CONFLICT DO NOTHING",
    ],
)
def test_what_has_effects_is_run_by_the_engine(query: str) -> None:
    sql, details = explanation(f"EXPLAIN ANALYZE {query}")
    assert sql == f"EXPLAIN (ANALYZE, {NOT_RUN}) {query}"
    assert details.executed is not None
    assert details.executed.startswith(f"EXPLAIN (ANALYZE, {ASKED}) ")
    assert "pg_occ_2200." in details.executed


@pytest.mark.parametrize("head", ["EXPLAIN", "EXPLAIN (ANALYZE OFF)", "EXPLAIN (ANALYZE, ANALYZE false)"])
def test_nothing_is_run_without_analyze(head: str) -> None:
    statement = judge(f"{head} DELETE FROM accounts")
    assert isinstance(statement.details, Explanation)
    assert (statement.details.executed, statement.writes) == (None, False)


def test_what_is_read_alone_is_run_as_it_is_planned() -> None:
    sql, details = explanation("EXPLAIN ANALYZE SELECT substring(owner FOR 2) FROM accounts")
    assert details.executed is None
    assert A not in sql


def test_a_column_that_the_service_has_not_is_missed() -> None:
    assert A in explanation("EXPLAIN SELECT ctid FROM accounts")[0]


def test_what_it_is_to_tell() -> None:
    _, details = explanation("EXPLAIN (ANALYZE, VERBOSE true, FORMAT yaml) SELECT 1")
    assert (details.layout, details.analyze, details.verbose, details.query) == ("yaml", True, True, "SELECT 1")


def test_a_place_in_the_text_is_the_clients() -> None:
    statement = judge("EXPLAIN SELECT nothing FROM accounts")
    assert statement.position_in_message(statement.sql.index("nothing") + 1) == len("EXPLAIN SELECT ") + 1
