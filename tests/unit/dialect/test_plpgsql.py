"""PL/pgSQL bodies: where their SQL is, what becomes of it, and how it is found again."""

from collections.abc import Iterator
from typing import Any

import pytest
from postgast import parse_plpgsql

from pytest_dsql.local.dialect import Catalog, analyse, renewed
from pytest_dsql.local.dialect.parse.plpgsql import fragments
from tests.unit.dialect.bank_catalog import CATALOG, judge, refused, sent

A = "pg_occ_2200.accounts"
AWAITING = Catalog(CATALOG.tables, schemas=CATALOG.schemas, shadows={"public": "pg_occ_2200"})


def done(body: str, catalog: Catalog = CATALOG) -> str:
    """What becomes of a DO block's body, white space evened out."""
    (statement,) = analyse(f"DO $$ {body} $$", catalog, ("public",))
    assert statement.refusal is None, statement.refusal
    return " ".join(statement.sql.replace("$pg_occ$", "$$").split("$$")[1].split())


SQL = [
    ("x := a + 1", ["a + 1"]),
    ("r.items[2].x = (SELECT 1)", ["(SELECT 1)"]),
    ("open := true", ["true"]),
    ("IF a THEN NULL; ELSIF b THEN NULL; ELSE c := 1; END IF", ["a", "b", "1"]),
    ("CASE a WHEN 1, 2 THEN NULL; ELSE NULL; END CASE", ["a", "1, 2"]),
    ("CASE WHEN a THEN b := CASE WHEN c THEN d END; END CASE", ["a", "CASE WHEN c THEN d END"]),
    ("<<l>> WHILE a LOOP EXIT l WHEN b; CONTINUE; END LOOP l", ["a", "b"]),
    ("FOR i IN REVERSE 10..1 BY 2 LOOP END LOOP", ["10", "1", "2"]),
    ("FOR r IN SELECT 1 LOOP END LOOP", ["SELECT 1"]),
    ("FOR r IN cursor_(5) LOOP END LOOP", []),
    ("FOR r IN EXECUTE a || b USING c, d LOOP END LOOP", ["a || b", "c", "d"]),
    ("FOREACH x SLICE 1 IN ARRAY a LOOP END LOOP", ["a"]),
    ("RETURN", []),
    ("RETURN NEXT a", ["a"]),
    ("RETURN QUERY SELECT 1", ["SELECT 1"]),
    ("RETURN QUERY EXECUTE a USING b", ["a", "b"]),
    ("RAISE EXCEPTION 'x %', a USING HINT = b, ERRCODE = 'c'", ["a", "b", "'c'"]),
    ("RAISE", []),
    ("ASSERT a, b", ["a", "b"]),
    ("EXECUTE a INTO STRICT x, y USING b", ["a", "b"]),
    ("EXECUTE a USING b INTO x", ["a", "b"]),
    ("OPEN c FOR SELECT 1", ["SELECT 1"]),
    ("OPEN c NO SCROLL FOR EXECUTE a USING b", ["a", "b"]),
    ("PERFORM f(1)", ["PERFORM f(1)"]),
    ("GET STACKED DIAGNOSTICS x = MESSAGE_TEXT; FETCH c INTO x; CLOSE c; COMMIT; ROLLBACK AND CHAIN", []),
    ("BEGIN a := 1; EXCEPTION WHEN unique_violation OR others THEN b := 2; END", ["1", "2"]),
    ("CALL p(1)", ["CALL p(1)"]),
]


@pytest.mark.parametrize(("statement", "expected"), SQL)
def test_sql_in_statements(statement: str, expected: list[str]) -> None:
    body = f"BEGIN /* a ; b */ {statement}; END"
    assert [body[found.start : found.end] for found in fragments(body)] == expected


def test_sql_in_declarations() -> None:
    body = """#variable_conflict use_column
        DECLARE a int; b ALIAS FOR $1; c CONSTANT int NOT NULL := 1; d t.x%TYPE DEFAULT 2; e numeric(9, 2) = 3;
        f CURSOR (k int) FOR SELECT k; BEGIN NULL; END"""
    assert [body[found.start : found.end] for found in fragments(body)] == ["1", "2", "3", "SELECT k"]


@pytest.mark.parametrize(
    ("statement", "target"),
    [
        ("SELECT a, b INTO x, r.y FROM t", "INTO x, r.y"),
        ("SELECT INTO STRICT x a FROM t", "INTO STRICT x"),
        ("INSERT INTO t VALUES (1) RETURNING id INTO x", "INTO x"),
        ("INSERT INTO t VALUES (1)", None),
    ],
)
def test_a_target_is_not_sql(statement: str, target: str | None) -> None:
    body = f"BEGIN {statement}; END"
    (found,) = fragments(body)
    assert (found.into and body[slice(*found.into)]) == target


DML = "IF occ.enters_dml('ddl and dml are not supported in the same transaction') THEN END IF; "
REWRITTEN = [
    ("x := (SELECT count(*) FROM accounts)", f"x := (SELECT count(*) FROM {A})"),
    ("x := count(*) FROM accounts", f"x := count(*) FROM {A}"),
    ("SELECT id INTO x FROM accounts", f"SELECT id FROM {A} INTO x"),
    ("PERFORM FROM accounts", f"PERFORM FROM {A}"),
    ("FOR r IN SELECT * FROM accounts LOOP END LOOP", f"FOR r IN SELECT * FROM {A} LOOP END LOOP"),
    ("DELETE FROM accounts", f"{DML}DELETE FROM {A}"),
    ("RETURN QUERY DELETE FROM accounts RETURNING id", f"{DML}RETURN QUERY DELETE FROM {A} RETURNING id"),
    ("<<l>> FOR r IN DELETE FROM accounts RETURNING id LOOP END LOOP",
     f"{DML}<<l>> FOR r IN DELETE FROM {A} RETURNING id LOOP END LOOP"),
    ("EXECUTE text USING (SELECT 1 FROM accounts)",
     f"EXECUTE occ.translated((SELECT text)) USING (SELECT 1 FROM {A})"),
    ("TRUNCATE accounts", "PERFORM occ.refuse('0A000', 'unsupported statement: Truncate', NULL, NULL)"),
    ("x := pg_backend_pid()",
     "x := (SELECT NULL FROM occ.refuse('0A000', 'function pg_backend_pid not supported', NULL, NULL))"),
    ("RETURN QUERY SELECT lastval()",
     "PERFORM occ.refuse('0A000', 'function lastval not supported', NULL, NULL); RETURN QUERY SELECT lastval()"),
    ("CREATE INDEX ASYNC i ON accounts (owner)",
     ("IF occ.enters_ddl('multiple ddl statements not supported in a transaction', 'ddl and dml are not supported in"
     " the same transaction') THEN END IF; PERFORM occ.submit_index('CREATE INDEX i ON accounts (owner)', 'i',"
     " NULL, 'accounts', NULL)")),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "expected"), REWRITTEN)
def test_statements_are_pointed_at_the_views(statement: str, expected: str) -> None:
    assert done(f"BEGIN {statement}; END") == f"BEGIN {expected}; END"


def test_an_upsert_counts_its_rows() -> None:
    text = done("BEGIN INSERT INTO accounts (id) VALUES (1) ON CONFLICT DO NOTHING; END")
    assert " INSERT INTO occ.affected SELECT " in text


def test_an_upsert_may_return_into_a_variable() -> None:
    text = done("BEGIN INSERT INTO accounts (id) VALUES (1) ON CONFLICT DO NOTHING RETURNING id INTO x; END")
    assert text.endswith(" INTO x; END")
    assert "occ.affected" not in text


def test_a_table_may_come_later() -> None:
    assert done("BEGIN PERFORM FROM later; END", AWAITING) == "BEGIN PERFORM FROM pg_occ_2200.later; END"
    assert done("BEGIN PERFORM FROM pg_class; END", AWAITING) == "BEGIN PERFORM FROM occ_shown.pg_class; END"
    assert done("BEGIN WITH later AS (SELECT 1) SELECT 1 FROM later INTO x; END", AWAITING).count("pg_occ") == 0


def test_a_routine_is_renewed_from_what_was_written() -> None:
    body = "BEGIN RETURN (SELECT 1 FROM later); END"
    statement = judge(f"CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS '{body}'")
    kept = statement.sql.split("$pg_occ$")[1]
    assert kept.startswith(body)
    text, routine = renewed(kept, AWAITING)
    assert text.startswith("BEGIN RETURN (SELECT 1 FROM pg_occ_2200.later); END")
    assert renewed(text, CATALOG)[0] == kept
    assert [name.name for name in routine.names] == ["later"]


def test_a_function_has_the_search_path_that_it_sets() -> None:
    head = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql SET search_path = old AS"
    assert " FROM pg_occ_77.accounts" in sent(f"{head} 'BEGIN RETURN (SELECT count(*) FROM accounts); END'")


def test_sql_is_judged_when_it_is_written() -> None:
    assert refused("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT lastval()'")[0] == "0A000"
    assert judge("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN lastval(); END'").refusal is None


def test_a_body_of_sql_is_changed_where_a_function_answers_otherwise() -> None:
    head = "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS"
    assert "SELECT sys.version()" in sent(f"{head} 'SELECT version()'")
    assert sent(f"{head} 'SELECT 1'") == f"{head} 'SELECT 1'"


def test_what_cannot_be_read_is_left_to_postgres() -> None:
    assert done("BEGIN SELECT FROM WHERE; 'x END") == "BEGIN SELECT FROM WHERE; 'x END"


@pytest.mark.parametrize(("sql", "calls"), [("CALL p()", True), ("DO 'BEGIN END'", True), ("SELECT count(*)", False)])
def test_what_calls_a_routine(sql: str, *, calls: bool) -> None:
    assert judge(sql).calls is calls


DECLARED = """
DECLARE a int := 1; b text DEFAULT 'x'; r record; ok boolean; list int[]; c CURSOR (k int) FOR SELECT k; d refcursor;
BEGIN {}; END
"""
SAME = [
    "a := a + 1; r := ROW(1, 2); list[2] := 3",
    "IF a > 1 THEN a := 2; ELSIF a > 2 THEN NULL; ELSE a := 4; END IF",
    "CASE WHEN a = 1 THEN a := 2; WHEN ok THEN a := 3; ELSE a := 5; END CASE",
    "<<l>> LOOP EXIT l WHEN a > 6; CONTINUE WHEN ok; END LOOP l; WHILE a > 7 LOOP a := 8; END LOOP",
    "FOR i IN REVERSE 10 .. 1 BY 2 LOOP a := 9; END LOOP; FOR r IN SELECT 11 LOOP NULL; END LOOP",
    "FOR r IN EXECUTE 'SELECT ' || 12 USING 13, 14 LOOP NULL; END LOOP; FOREACH a IN ARRAY list LOOP NULL; END LOOP",
    "SELECT 16, 17 INTO a, b; EXECUTE 'SELECT 18' INTO STRICT a USING 19; PERFORM 20, 21",
    "RAISE NOTICE '%', 22 USING HINT = 'y' || 23; ASSERT a > 24, 'z'",
    "OPEN d FOR SELECT 25; OPEN d FOR EXECUTE 'SELECT 26' USING 27; FETCH c INTO a; CLOSE c",
    "BEGIN UPDATE t SET a = 28 RETURNING 29 INTO a; EXCEPTION WHEN unique_violation THEN a := 30; END",
    "INSERT INTO t SELECT 31; DELETE FROM t; CREATE TABLE u (id int); CALL p(32, a)",
]


@pytest.mark.parametrize("statements", SAME)
def test_a_body_is_read_as_postgres_reads_it(statements: str) -> None:
    body = DECLARED.format(statements)
    parsed = parse_plpgsql(f"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $f${body}$f$")
    read, known = set(_without_targets(body)), set(_queries(parsed))
    # PostgreSQL has the target of an assignment in its text.
    assert {query for query in known if not any(query.endswith(text) for text in read)} == set()
    assert {text for text in read if not any(query.endswith(text) for query in known)} == set()


def _without_targets(body: str) -> Iterator[str]:
    for found in fragments(body):
        start, end = found.into or (found.end, found.end)
        text = body[found.start : start] + " " * (end - start) + body[end : found.end]
        yield text.replace("PERFORM", "SELECT").rstrip()


def _queries(node: Any) -> Iterator[str]:
    if isinstance(node, dict) and "query" in node and isinstance(node["query"], str):
        yield node["query"].strip()
    below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for item in below:
        yield from _queries(item)
