"""INSERT ... ON CONFLICT as CTEs: the shape of the rewritten text; what it does needs a server."""

import pytest

from pytest_dsql.local.dialect.parse.parser import parse_sql
from tests.unit.dialect.bank_catalog import judge, refused, sent

UPSERTS = [
    "INSERT INTO accounts VALUES (1, 'x', DEFAULT) ON CONFLICT DO NOTHING",
    "INSERT INTO accounts AS a (id) VALUES ($1), ($2) ON CONFLICT (id) DO UPDATE SET balance = a.balance + 1",
    "INSERT INTO accounts (id) SELECT 1 FROM notes JOIN old.accounts ON true ON CONFLICT (id) DO NOTHING",
    "INSERT INTO accounts (SELECT 1, $1) ON CONFLICT ON CONSTRAINT accounts_pkey DO UPDATE SET owner = excluded.owner",
    "WITH n AS (SELECT 1 AS i) INSERT INTO accounts (id) TABLE n ON CONFLICT (owner) DO NOTHING RETURNING *",
    "INSERT INTO notes DEFAULT VALUES ON CONFLICT (body) WHERE size > 0 DO UPDATE SET body = NULL RETURNING id",
    "WITH i AS (INSERT INTO accounts (id) VALUES (1) ON CONFLICT DO NOTHING RETURNING id) SELECT * FROM i",
]


@pytest.mark.parametrize("sql", UPSERTS)
def test_upsert_becomes_a_select_that_parses(sql: str) -> None:
    text = sent(sql)
    (tree,) = parse_sql(text)
    assert type(tree.stmt).__name__ == "SelectStmt"
    assert "ON CONFLICT" not in text


def test_values_and_parameters_are_typed_by_their_columns() -> None:
    text = sent("INSERT INTO accounts (id, owner) VALUES ($1, 'x') ON CONFLICT DO NOTHING")
    # No length here: an assignment checks it, a cast would cut.
    assert 'CAST($1 AS integer) AS "id", CAST(\'x\' AS character varying) AS "owner"' in text
    assert 'CAST(100 AS numeric(18,6)) AS "balance"' in text


@pytest.mark.parametrize(("returning", "hidden"), [("", True), (" RETURNING id", False)])
def test_tag_and_rows(returning: str, *, hidden: bool) -> None:
    statement = judge(f"INSERT INTO accounts (id) VALUES (1) ON CONFLICT DO NOTHING{returning}")
    assert (statement.tag_as_insert, statement.hide_rows, statement.writes) == (True, hidden, True)


def test_an_upsert_in_a_cte_keeps_the_outer_tag() -> None:
    statement = judge(UPSERTS[-1])
    assert (statement.tag_as_insert, statement.hide_rows, statement.writes) == (False, False, True)


def test_only_several_rows_can_meet_each_other() -> None:
    one = "INSERT INTO accounts (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET balance = 1"
    assert "affect_row_twice" not in sent(one)
    assert "occ.affect_row_twice()" in sent(one.replace("(1)", "(1), (2)"))


@pytest.mark.parametrize(
    ("target", "refusal"),
    [
        ("(balance)", ("42P10", "there is no unique or exclusion constraint matching the ON CONFLICT specification")),
        ("(id, owner)", ("42P10", "there is no unique or exclusion constraint matching the ON CONFLICT specification")),
        ("ON CONSTRAINT nope", ("42704", 'constraint "nope" for table "accounts" does not exist')),
    ],
)
def test_target_without_an_index_is_refused(target: str, refusal: tuple[str, str]) -> None:
    assert refused(f"INSERT INTO accounts (id) VALUES (1) ON CONFLICT {target} DO NOTHING") == refusal


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO accounts (nope) VALUES (1) ON CONFLICT DO NOTHING",
        "INSERT INTO accounts (id, id) VALUES (1, 1) ON CONFLICT DO NOTHING",
        "INSERT INTO accounts (id) VALUES (1, 2) ON CONFLICT DO NOTHING",
        "INSERT INTO accounts (id) VALUES (1) ON CONFLICT (nope) DO NOTHING",
        "INSERT INTO nowhere VALUES (1) ON CONFLICT DO NOTHING",
    ],
)
def test_what_postgres_rejects_at_once_is_left_to_it(sql: str) -> None:
    assert sent(sql) == sql
