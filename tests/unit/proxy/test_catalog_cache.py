"""Which statements a schema change elsewhere costs an OC001."""

import pytest

from pytest_dsql.local.dialect import Catalog, Statement, Table, View, analyse
from pytest_dsql.local.proxy.rules.catalog_cache import CatalogCache

T = Table("public", "t", "pg_occ_1", oid=1)
U = Table("public", "u", "pg_occ_1", oid=2)
SHOWN = View("public", "shown", 3, (), "", frozenset({1}))
BEFORE = Catalog({("public", "t"): T, ("public", "u"): U}, {("public", "shown"): SHOWN})


def statement(sql: str, catalog: Catalog = BEFORE) -> Statement:
    [found] = analyse(sql, catalog, ("public",))
    return found


class Session:
    """A session, and whether its statements get OC001."""

    def __init__(self, *ran: str, strict: bool = False) -> None:
        self.cache = CatalogCache(strict=strict)
        for sql in ran:
            assert not self(sql)
            self.cache.transaction_ended()

    def __call__(self, sql: str, catalog: Catalog = BEFORE) -> bool:
        found = statement(sql, catalog)
        conflicts = self.cache.conflicts(found)
        self.cache.take(found)
        return conflicts

    def changed(self) -> "Session":
        self.cache.changed(BEFORE)
        return self


@pytest.mark.parametrize("sql", ["SELECT * FROM t", "INSERT INTO t DEFAULT VALUES", "COPY t TO STDOUT", "TABLE t"])
def test_a_table_that_was_used_before_costs_it_once(sql: str) -> None:
    session = Session("SELECT 1 FROM t").changed()
    assert session(sql)
    assert not session(sql)


@pytest.mark.parametrize("sql", ["BEGIN", "SHOW timezone", "SET timezone = 'UTC'", "SELECT 1", "ROLLBACK"])
def test_what_touches_no_table_neither_meets_it_nor_passes_it_by(sql: str) -> None:
    session = Session("SELECT 1 FROM t").changed()
    assert not session(sql)
    assert session("SELECT * FROM t")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM pg_class",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM sys.jobs",
        "CREATE TABLE v (id int)",
        "CREATE INDEX ASYNC ON t (id)",
        "GRANT SELECT ON t TO myapp",
        "AWS IAM GRANT myapp TO 'arn:aws:iam::123456789012:role/r'",
        "SELECT * FROM u",
        "SELECT * FROM made_meanwhile",
    ],
)
def test_a_look_into_the_catalogs_ddl_and_a_new_table_bring_the_session_up_to_date(sql: str) -> None:
    session = Session("SELECT 1 FROM t").changed()
    assert not session(sql)
    assert not session("SELECT * FROM t")


def test_a_session_that_ran_nothing_has_nothing_cached() -> None:
    assert not Session().changed()("UPDATE t SET id = 1")


def test_one_used_table_among_new_ones_is_enough() -> None:
    assert Session("SELECT 1 FROM t").changed()("SELECT * FROM u, t, pg_class")


def test_a_table_is_used_by_its_views_too() -> None:
    assert Session("SELECT * FROM shown").changed()("SELECT * FROM t")
    assert Session("SELECT * FROM t").changed()("SELECT * FROM shown")


def test_a_table_that_was_dropped_is_known_by_its_name() -> None:
    session = Session("SELECT 1 FROM t").changed()
    assert session("SELECT * FROM t", Catalog())
    assert not session("SELECT * FROM t", Catalog())


def test_the_oldest_catalog_counts_where_changes_follow_each_other() -> None:
    session = Session("SELECT 1 FROM t").changed()
    session.cache.changed(Catalog())
    assert session("SELECT * FROM t", Catalog())


@pytest.mark.parametrize("between", ["SELECT * FROM pg_class", "SELECT 1", "SELECT * FROM u"])
def test_commit_meets_it_where_the_transaction_had_used_a_table(between: str) -> None:
    session = Session()
    session("BEGIN")
    session("SELECT * FROM t")
    session.changed()
    session(between)
    assert session("COMMIT")
    session.cache.transaction_ended()
    assert not session("SELECT * FROM t")


def test_commit_passes_where_the_transaction_used_a_table_after_the_change_only() -> None:
    session = Session()
    session("BEGIN")
    session("SELECT 1")
    session.changed()
    assert not session("SELECT * FROM t")
    assert not session("COMMIT")


def test_what_a_transaction_lost_is_over_with_it() -> None:
    session = Session()
    session("SELECT * FROM t")
    session.cache.lose()
    assert session("SELECT * FROM u")
    session.cache.transaction_ended()
    assert not session("SELECT * FROM u")


@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT * FROM pg_class", "CREATE TABLE v (id int)", "SELECT * FROM u"])
def test_in_the_worst_case_any_statement_meets_it_that_needs_the_catalog(sql: str) -> None:
    session = Session(strict=True).changed()
    assert not session("BEGIN")
    assert session(sql)
    assert not session(sql)


def test_in_the_worst_case_commit_meets_it_without_a_table() -> None:
    session = Session(strict=True)
    session("BEGIN")
    session("SELECT 1")
    assert session.changed()("COMMIT")
