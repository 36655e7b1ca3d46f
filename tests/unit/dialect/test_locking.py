"""FOR UPDATE and FOR KEY SHARE: cut, marked, and refused where PostgreSQL refuses them."""

import pytest

from tests.unit.dialect.bank_catalog import judge, refused, sent

A = "pg_occ_2200.accounts"
TWO_MARKS = 'pg_occ_2200.for_update("a".*), pg_occ_2200.for_key_share("n".*)'
MARK = 'pg_occ_2200.for_update(pg_occ_2200."accounts".*)'


@pytest.mark.parametrize(
    ("sql", "expected", "hidden"),
    [
        ("SELECT * FROM accounts FOR UPDATE", f"SELECT * , {MARK} FROM {A}", 1),
        ("SELECT id FROM accounts a LIMIT 1 FOR UPDATE OF a NOWAIT",
         f'SELECT id , pg_occ_2200.for_update("a".*) FROM {A} a LIMIT 1', 1),
        ("SELECT 1 FROM accounts a JOIN notes n ON true FOR UPDATE OF a FOR KEY SHARE OF n SKIP LOCKED",
         f'SELECT 1 , {TWO_MARKS} FROM {A} a JOIN pg_occ_2200.notes n ON true', 2),
        ("SELECT id IS DISTINCT FROM 1 FROM accounts FOR UPDATE", f"SELECT id IS DISTINCT FROM 1 , {MARK} FROM {A}", 1),
        ("(SELECT id FROM accounts) FOR UPDATE", f"(SELECT id , {MARK} FROM {A})", 1),
        ("SELECT * FROM generate_series(1, 2) FOR UPDATE", "SELECT * FROM generate_series(1, 2)", 0),
        ("SELECT id FROM (SELECT id FROM accounts) s FOR UPDATE",
         f"SELECT id FROM (SELECT id FROM {A} WHERE {MARK} IS NULL ) s", 0),
        ("SELECT id FROM (SELECT id FROM accounts) s FOR KEY SHARE FOR UPDATE OF s",
         f"SELECT id FROM (SELECT id FROM {A} WHERE {MARK} IS NULL ) s", 0),
        ("TABLE accounts ORDER BY 1 FOR UPDATE", f"SELECT * , {MARK} FROM {A} ORDER BY 1", 1),
        ("TABLE ONLY public.accounts FOR UPDATE", f"SELECT * , {MARK} FROM ONLY {A}", 1),
        ("SELECT * FROM (TABLE accounts) s FOR UPDATE",
         f"SELECT * FROM (SELECT * FROM {A} WHERE {MARK} IS NULL ) s", 0),
    ],
)  # fmt: skip
def test_marks_are_hidden_columns_at_the_top(sql: str, expected: str, hidden: int) -> None:
    assert sent(sql) == expected
    assert judge(sql).hide_last_columns == hidden


def test_a_lock_further_in_is_wrapped_so_that_limit_holds() -> None:
    sql = "DELETE FROM accounts WHERE id IN (SELECT id FROM accounts ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)"
    assert sent(sql) == (
        f'DELETE FROM {A} WHERE id IN (SELECT pg_occ_lock.c0 AS "id" FROM (SELECT id , {MARK} FROM {A} '
        "ORDER BY id LIMIT 1 ) AS pg_occ_lock(c0, m0) WHERE pg_occ_lock.m0 IS NULL )"
    )
    assert judge(sql).hide_last_columns == 0


@pytest.mark.parametrize("clause", ["FOR SHARE", "FOR NO KEY UPDATE"])
def test_other_strengths_are_refused(clause: str) -> None:
    message = "locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported"
    assert refused(f"SELECT 1 FROM accounts {clause}") == ("0A000", message)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT DISTINCT id FROM accounts", "is not allowed with DISTINCT clause"),
        ("SELECT id FROM accounts GROUP BY id", "is not allowed with GROUP BY clause"),
        ("SELECT sum(balance) + 1 FROM accounts", "is not allowed with aggregate functions"),
        ("SELECT rank() OVER () FROM accounts", "is not allowed with window functions"),
        ("SELECT unnest(ARRAY[1]) FROM accounts", "is not allowed with set-returning functions in the target list"),
        ("TABLE accounts UNION TABLE accounts", "is not allowed with UNION/INTERSECT/EXCEPT"),
        ("SELECT n FROM (SELECT count(*) n FROM accounts) s", "is not allowed with aggregate functions"),
        ("SELECT 1 FROM accounts LEFT JOIN notes ON true", "cannot be applied to the nullable side of an outer join"),
        ("VALUES (1)", "cannot be applied to VALUES"),
    ],
)
def test_postgres_own_refusals_survive_the_cut(sql: str, message: str) -> None:
    assert refused(f"{sql} FOR UPDATE") == ("0A000", f"FOR UPDATE {message}")


@pytest.mark.parametrize(
    ("sql", "refusal"),
    [
        ("SELECT 1 FROM accounts a FOR UPDATE OF accounts",
         ("42P01", 'relation "accounts" in FOR UPDATE clause not found in FROM clause')),
        ("WITH c AS (SELECT 1) SELECT * FROM c FOR KEY SHARE OF c",
         ("0A000", "FOR KEY SHARE cannot be applied to a WITH query")),
        ("SELECT 1 FROM accounts FOR UPDATE OF public.accounts",
         ("42601", "FOR UPDATE must specify unqualified relation names")),
    ],
)  # fmt: skip
def test_of_names_what_it_may(sql: str, refusal: tuple[str, str]) -> None:
    assert refused(sql) == refusal
