"""Transactions, settings, and how statements are told apart."""

import pytest

from pytest_dsql.local.dialect import Kind, Setting, analyse
from tests.unit.dialect.bank_catalog import CATALOG, judge, refused, sent


@pytest.mark.parametrize("level", ["SERIALIZABLE", "READ COMMITTED", "READ UNCOMMITTED"])
def test_other_levels_are_refused_by_name(level: str) -> None:
    expected = ("0A000", f"Unsupported isolation level: {level}")
    assert refused(f"BEGIN ISOLATION LEVEL {level}, READ ONLY") == expected
    assert refused(f"SET TRANSACTION ISOLATION LEVEL {level}") == expected


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("SAVEPOINT s", "SAVEPOINT"),
        ("ROLLBACK TO s", "ROLLBACK TO"),
        ("PREPARE TRANSACTION 'x'", "PREPARE TRANSACTION"),
    ],
)
def test_subtransactions_are_refused(sql: str, name: str) -> None:
    assert refused(sql) == ("0A000", f"unsupported transaction statement: {name}")


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("SET TRANSACTION READ ONLY", "TRANSACTION"),
        ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "TRANSACTION"),
        ("SET default_transaction_isolation = 'serializable'", "default_transaction_isolation"),
        ("SET LOCAL statement_timeout = 1", "statement_timeout"),
        ("SET my.own = 1", "my.own"),
        ("RESET lock_timeout", "lock_timeout"),
        ("ALTER ROLE app SET lock_timeout = 1", "lock_timeout"),
    ],
)
def test_setting_off_the_list_is_refused(sql: str, name: str) -> None:
    assert refused(sql) == ("0A000", f'setting configuration parameter "{name}" not supported')


@pytest.mark.parametrize(
    "sql",
    [
        "SET application_name = 'x'",
        "SET LOCAL TimeZone = 'UTC'",
        "SET TIME ZONE LOCAL",
        "SET enable_seqscan = off",
        "SET NAMES 'UTF8'",
        "RESET ALL",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE",
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        "SHOW no_such_setting",
    ],
)
def test_the_rest_passes(sql: str) -> None:
    assert sent(sql) == sql


@pytest.mark.parametrize("sql", ["SHOW jit", "SELECT current_setting('jit') AS cur, set_config('jit', 'off', false)"])
def test_a_setting_that_drivers_bear_to_miss_is_not_there(sql: str) -> None:
    assert refused(sql) == ("42704", 'unrecognized configuration parameter "jit"')


def test_a_setting_postgres_does_not_know_gets_a_name_it_takes() -> None:
    assert sent("SET disable_sync_create_index TO off") == "SET dsql.disable_sync_create_index TO off"


def test_show_server_version_has_a_fixed_answer() -> None:
    assert judge("SHOW server_version_num").details == Setting("server_version_num", answer="160015")


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("TABLE accounts", Kind.QUERY),
        ("VALUES (1)", Kind.QUERY),
        ("DELETE FROM accounts", Kind.DML),
        ("START TRANSACTION", Kind.BEGIN),
        ("END", Kind.COMMIT),
        ("ABORT", Kind.ROLLBACK),
        ("SET CONSTRAINTS ALL DEFERRED", Kind.SET_CONSTRAINTS),
        ("COPY accounts FROM STDIN", Kind.COPY_IN),
        ("COPY accounts TO STDOUT", Kind.COPY_OUT),
        ("EXPLAIN SELECT 1", Kind.EXPLAIN),
        ("ANALYZE", Kind.ANALYZE),
    ],
)
def test_kinds(sql: str, kind: Kind) -> None:
    assert judge(sql).kind is kind


@pytest.mark.parametrize(
    ("sql", "ddl", "writes"),
    [
        ("CREATE VIEW v AS SELECT 1", True, False),
        ("GRANT SELECT ON accounts TO app", True, False),
        ("COMMENT ON TABLE accounts IS ''", True, False),
        ("WITH d AS (DELETE FROM accounts RETURNING id) SELECT * FROM d", False, True),
        ("EXPLAIN DELETE FROM accounts", False, False),
        ("EXPLAIN ANALYZE DELETE FROM accounts", False, True),
        ("SELECT 1", False, False),
    ],
)
def test_what_counts_as_ddl_and_what_writes(sql: str, *, ddl: bool, writes: bool) -> None:
    statement = judge(sql)
    assert (statement.counts_as_ddl, statement.writes) == (ddl, writes)


def test_a_search_path_set_in_a_message_holds_for_what_follows() -> None:
    found = analyse("TABLE accounts; SET search_path = old, public; TABLE accounts", CATALOG, ("public",))
    assert [item.sql for item in found][::2] == ["TABLE pg_occ_2200.accounts", "TABLE pg_occ_77.accounts"]
    assert found[1].changes_search_path
