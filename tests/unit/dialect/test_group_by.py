"""GROUP BY of a primary key: the view has none, so the columns it stands for are spliced in."""

import pytest

from tests.unit.dialect.bank_catalog import sent

ACCOUNTS, NOTES = "pg_occ_2200.accounts", "pg_occ_2200.notes"

EXTENDED = [
    ("SELECT id, owner FROM accounts GROUP BY id", '"accounts"."owner", id'),
    ("SELECT a.owner, count(*) FROM accounts a JOIN notes n ON true GROUP BY a.id", '"a"."owner", a.id'),
    ("SELECT a.* FROM accounts a GROUP BY (a.id)", '"a"."owner", "a"."balance", (a.id)'),
    ("SELECT id, owner FROM accounts GROUP BY 1", '"accounts"."owner", 1'),
    ("SELECT owner FROM public.accounts GROUP BY public.accounts.id", f'"accounts"."owner", {ACCOUNTS}.id'),
    ("SELECT id FROM accounts GROUP BY ALL id HAVING balance > 1", 'ALL "accounts"."balance", id HAVING balance > 1'),
    ("SELECT id FROM accounts GROUP BY id ORDER BY owner", '"accounts"."owner", id ORDER BY owner'),
]


@pytest.mark.parametrize(("sql", "clause"), EXTENDED)
def test_a_grouped_key_brings_its_columns(sql: str, clause: str) -> None:
    assert sent(sql).endswith(f"GROUP BY {clause}")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, count(*) FROM {} GROUP BY id",
        "SELECT owner, count(*) FROM {} GROUP BY owner",
        "SELECT a.owner FROM {} a JOIN {} b ON true GROUP BY b.id",
        "SELECT id, owner FROM {} GROUP BY GROUPING SETS (id)",
        "SELECT id, owner FROM {} GROUP BY ROLLUP (id)",
    ],
)
def test_other_clauses_stay(sql: str) -> None:
    assert sent(sql.replace("{}", "accounts")) == sql.replace("{}", ACCOUNTS)


def test_each_query_has_its_own_clause() -> None:
    inner = "SELECT n.body FROM notes n GROUP BY n.id"
    expected = f'SELECT n.body FROM {NOTES} n GROUP BY "n"."body", n.id'
    assert sent(f"SELECT 1 FROM ({inner}) s") == f"SELECT 1 FROM ({expected}) s"
