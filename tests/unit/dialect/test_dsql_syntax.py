"""CREATE INDEX ASYNC, ALTER TABLE ASYNC, AWS IAM: the syntax PostgreSQL's parser does not know."""

import pytest

from pytest_dsql.local.dialect import AsyncIndex, AsyncValidation, IamMapping, Kind, analyse
from tests.unit.dialect.bank_catalog import CATALOG, judge, refused, sent

INDEXES = [
    ("CREATE INDEX i ON accounts (owner)", "unsupported mode. please use CREATE INDEX ASYNC."),
    ("CREATE UNIQUE INDEX i ON accounts (owner)", "unsupported mode. please use CREATE INDEX ASYNC."),
    ("CREATE INDEX ASYNC i ON accounts USING btree (owner)", "USING not supported for CREATE INDEX"),
    ("CREATE INDEX CONCURRENTLY i ON accounts (owner)", "CONCURRENTLY not supported for CREATE INDEX"),
    ("CREATE INDEX ASYNC i ON accounts (owner ASC)", "specifying sort order not supported for index keys"),
    ("CREATE INDEX ASYNC i ON accounts (owner text_ops)", "opclass not supported for index keys"),
]


def test_async_index_becomes_an_index_that_keeps_every_position() -> None:
    sql = "create unique index async if not exists i on old.accounts (owner) where id > 0"
    statement = judge(sql)
    assert statement.kind is Kind.CREATE_INDEX_ASYNC
    assert statement.sql == sql.replace("async", "     ")
    predicate = sql.index("where") + len("where")
    assert statement.details == AsyncIndex("i", "old", "accounts", ("owner",), True, True, predicate)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX ASYNC ON accounts (owner)",
        "CREATE INDEX ASYNC i ON accounts (owner) INCLUDE (id)",
        "CREATE INDEX ASYNC i ON accounts ((lower(owner)))",
        "CREATE INDEX ASYNC i ON accounts (owner NULLS FIRST)",
        "CREATE UNIQUE INDEX ASYNC i ON accounts (owner) NULLS NOT DISTINCT",
    ],
)
def test_async_index_passes(sql: str) -> None:
    assert "ASYNC" not in sent(sql)


@pytest.mark.parametrize(("sql", "message"), INDEXES)
def test_index_is_refused(sql: str, message: str) -> None:
    assert refused(sql) == ("0A000", message)


def test_index_on_a_table_that_has_all_it_may_have() -> None:
    assert refused("CREATE INDEX ASYNC ON notes (id)") == ("54000", "more than 24 indexes per table are not allowed")


def test_index_name_takes_no_schema() -> None:
    refusal = judge("CREATE INDEX ASYNC public.i ON accounts (owner)").refusal
    assert refusal is not None
    assert (refusal.sqlstate, refusal.message, refusal.position) == ("42601", 'syntax error at or near "."', 26)


def test_async_validation() -> None:
    statement = judge("ALTER TABLE ASYNC public.accounts VALIDATE CONSTRAINT c")
    assert statement.kind is Kind.VALIDATE_ASYNC
    assert statement.details == AsyncValidation("public", "accounts", "c")


def test_iam_statements_stand_among_others_in_their_order() -> None:
    sql = "SELECT 1; AWS IAM GRANT app TO 'arn:aws:iam::1:role/x'; aws iam revoke \"App\" from 'it''s'; SELECT 2"
    found = analyse(sql, CATALOG, ("public",))
    assert [item.kind for item in found] == [Kind.QUERY, Kind.IAM_GRANT, Kind.IAM_REVOKE, Kind.QUERY]
    assert found[1].details == IamMapping("app", "arn:aws:iam::1:role/x")
    assert found[2].details == IamMapping("App", "it's")
    assert all(item.counts_as_ddl for item in found[1:3])


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("AWS IAM GRANT app FROM 'x'", 'syntax error at or near "FROM"'),
        ("AWS IAM GRANT app TO x", 'syntax error at or near "x"'),
        ("AWS IAM REVOKE app", "syntax error at end of input"),
    ],
)
def test_malformed_iam_statement_is_a_syntax_error(sql: str, message: str) -> None:
    assert refused(sql) == ("42601", message)


@pytest.mark.parametrize(
    "sql", ["SELECT 1 AS async, 2 AS aws", "CREATE TABLE async (id int)", "ALTER TABLE async ADD c int"]
)
def test_the_words_stay_names_elsewhere(sql: str) -> None:
    assert sent(sql) == sql


@pytest.mark.parametrize("sql", ["", "  ;; ", "-- nothing\n"])
def test_nothing_is_an_empty_statement(sql: str) -> None:
    assert judge(sql).kind is Kind.EMPTY


def test_what_does_not_parse_is_left_to_postgres() -> None:
    statement = judge("SELEC 1")
    assert (statement.kind, statement.refusal, statement.sql) == (Kind.INVALID, None, "SELEC 1")
