"""References to tables become references to their shadow views, by splicing alone."""

import pytest

from tests.unit.dialect.bank_catalog import judge, refused, sent

A, OLD = "pg_occ_2200.accounts", "pg_occ_77.accounts"

REFERENCES = [
    ("SELECT id  FROM accounts -- c", f"SELECT id FROM {A}"),
    ("SELECT public.accounts.id FROM public.accounts", f"SELECT {A}.id FROM {A}"),
    ('SELECT * FROM ONLY "accounts" a', 'SELECT * FROM ONLY pg_occ_2200."accounts" a'),
    ("SELECT * FROM accounts *, old.accounts o", f"SELECT * FROM {A} *, {OLD} o"),
    ("UPDATE public.accounts SET balance = public.accounts.balance + 1", f"UPDATE {A} SET balance = {A}.balance + 1"),
    ("INSERT INTO accounts (id) SELECT id FROM old.accounts", f"INSERT INTO {A} (id) SELECT id FROM {OLD}"),
    ("DELETE FROM accounts USING notes WHERE true", f"DELETE FROM {A} USING pg_occ_2200.notes WHERE true"),
    ("WITH accounts AS (SELECT 1) SELECT * FROM accounts", "WITH accounts AS (SELECT 1) SELECT * FROM accounts"),
    ("WITH accounts AS (TABLE accounts) TABLE accounts", f"WITH accounts AS (TABLE {A}) TABLE accounts"),
    ("WITH a AS (TABLE notes) DELETE FROM accounts", f"WITH a AS (TABLE pg_occ_2200.notes) DELETE FROM {A}"),
    ("SELECT (SELECT max(id) FROM accounts) = 1", f"SELECT (SELECT max(id) FROM {A}) = 1"),
    ("TABLE notes UNION TABLE accounts", f"TABLE pg_occ_2200.notes UNION TABLE {A}"),
    ("SELECT 'ü', é.id FROM accounts é", f"SELECT 'ü', é.id FROM {A} é"),
    ("COPY accounts (id) FROM STDIN", f"COPY {A} (id) FROM STDIN"),
    ("COPY accounts (id, owner) TO STDOUT", 'COPY (SELECT "id", "owner" FROM pg_occ_2200."accounts") TO STDOUT'),
    ("COPY (TABLE accounts) TO STDOUT", f"COPY (TABLE {A}) TO STDOUT"),
    ("CREATE VIEW v AS TABLE accounts", f"CREATE VIEW v AS TABLE {A}"),
    ("SELECT relname FROM pg_class c", "SELECT relname FROM occ_shown.pg_class c"),
    (
        "SELECT information_schema.tables.table_name FROM information_schema.tables",
        "SELECT occ_shown.tables.table_name FROM occ_shown.tables",
    ),
    ("DELETE FROM accounts USING pg_class", f"DELETE FROM {A} USING occ_shown.pg_class"),
    ("SELECT version()", "SELECT sys.version()"),
    ("SELECT pg_catalog.version()", "SELECT sys.version()"),
    (
        "UPDATE accounts SET (id, balance) = (SELECT id, 1 FROM accounts)",
        f"UPDATE {A} SET (id, balance) = (SELECT id, 1 FROM {A})",
    ),
]


@pytest.mark.parametrize(("sql", "expected"), REFERENCES)
def test_reference_is_spliced(sql: str, expected: str) -> None:
    assert sent(sql) == expected + (" -- c" if sql.endswith("-- c") else "")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM pg_settings",
        "SELECT * FROM sys.jobs",
        "SELECT accounts FROM nowhere",
        "SELECT * FROM tables",
        "WITH pg_class AS (SELECT 1) SELECT * FROM pg_class",
        "DROP TABLE accounts",
        "CREATE TABLE pg_class (id int)",
        "INSERT INTO pg_class SELECT 1",
        "ANALYZE pg_class",
        "COPY pg_class TO STDOUT",
        "GRANT SELECT ON pg_class TO PUBLIC",
        "ALTER TABLE pg_class ADD COLUMN c int",
    ],
)
def test_other_names_stay(sql: str) -> None:
    assert sent(sql) == sql


def test_search_path_decides() -> None:
    assert sent("TABLE accounts", "old", "public") == f"TABLE {OLD}"
    assert sent("TABLE accounts", "nowhere") == "TABLE accounts"


def test_generated_columns_stay_out_of_copy() -> None:
    assert sent("COPY notes FROM STDIN") == 'COPY pg_occ_2200.notes ("id", "body") FROM STDIN'


def test_analyze_of_everything_names_the_users_tables() -> None:
    assert sent("ANALYZE") == 'ANALYZE "old"."accounts", "public"."accounts", "public"."notes"'
    assert sent("ANALYZE notes") == "ANALYZE notes"


def test_function_bodies_of_both_kinds() -> None:
    head = "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql"
    text = sent(f"{head} AS 'SELECT count(*) FROM accounts'")
    assert text.startswith(f"{head} AS $pg_occ$SELECT count(*) FROM {A} -- occ:")
    assert sent(f"{head} RETURN (SELECT count(*) FROM accounts)") == f"{head} RETURN (SELECT count(*) FROM {A})"
    atomic = "BEGIN ATOMIC SELECT 1; SELECT count(*) FROM {}; END"
    assert sent(f"{head} {atomic.format('accounts')}") == f"{head} {atomic.format(A)}"


@pytest.mark.parametrize(
    ("sql", "refusal"),
    [
        ("SELECT * FROM accounts TABLESAMPLE BERNOULLI (1)", ("0A000", "TABLESAMPLE clause not supported")),
        ("SELECT circle(point(0, 0), 1)", ("0A000", "datatype circle not supported")),
        ("SELECT '{1,2,3}'::line", ("0A000", "datatype line not supported")),
        ("SELECT to_tsquery('french', 'x')", ("42704", 'text search configuration "french" does not exist')),
        ("SELECT to_tsquery('simple', 'x')", ("0A000", "function to_tsquery not supported")),
        ("SELECT 'a b'::tsvector @@ 'a'::tsquery", ("0A000", "operator @@ not supported")),
        ("SELECT 'german'::regconfig", ("42704", 'text search configuration "german" does not exist')),
    ],
)
def test_query_is_refused(sql: str, refusal: tuple[str, str]) -> None:
    assert refused(sql) == refusal


@pytest.mark.parametrize("sql", ["SELECT '{}'::jsonb @@ '$.a == 1'", "SELECT '::1'::inet", "SELECT ARRAY[1]::int[]"])
def test_query_passes(sql: str) -> None:
    assert sent(sql) == sql


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("pg_advisory_lock(1)", "pg_advisory_lock"),
        ("pg_catalog.pg_advisory_unlock_all()", "pg_advisory_unlock_all"),
        ("PG_BACKEND_PID()", "pg_backend_pid"),
        ("set_config('search_path', 'old', false)", "set_config"),
        ("lo_creat(-1)", "lo_creat"),
        ("lastval()", "lastval"),
        ("pg_notify('news', 'x')", "pg_notify"),
        ("to_tsvector('x')", "to_tsvector"),
    ],
)
@pytest.mark.parametrize(
    "query",
    [
        "SELECT {}",
        "SELECT * FROM {} AS c",
        "INSERT INTO accounts SELECT {}",
        "UPDATE accounts SET id = 1 WHERE {} IS NULL",
        "CREATE VIEW v AS SELECT {}",
        "CREATE INDEX ASYNC ON accounts (({}))",
    ],
)
def test_a_function_is_refused_wherever_it_is_called(query: str, call: str, name: str) -> None:
    assert refused(query.format(call)) == ("0A000", f"function {name} not supported")


@pytest.mark.parametrize("sql", ["SELECT old.lastval()", "SELECT pg_sleep(0)", "SELECT txid_current()"])
def test_other_functions_run(sql: str) -> None:
    assert sent(sql) == sql


def test_a_position_leads_back_to_the_message() -> None:
    statement = judge("SELECT nope FROM accounts WHERE nope2 = 1")
    assert statement.position_in_message(statement.sql.index("nope2") + 1) == statement.original.index("nope2") + 1
    assert statement.position_in_message(8) == 8
