"""A plan that the service shows as PostgreSQL does is written as PostgreSQL writes it, to the letter."""

import json
from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest

from pytest_dsql.local.explain import structured, text
from pytest_dsql.local.explain.details import terse

SET_UP = """
CREATE TEMP TABLE t (id int PRIMARY KEY, v int, "Odd" text);
INSERT INTO t SELECT g, g % 7, 'x' FROM generate_series(1, 500) g;
CREATE TEMP TABLE u AS SELECT id AS a, v AS b FROM t; ANALYZE t; ANALYZE u;
SET enable_bitmapscan = off; SET max_parallel_workers_per_gather = 0; SET jit = off
"""
QUERIES = (
    "SELECT 1",
    "SELECT * FROM t WHERE id = 3",
    'SELECT "Odd", v FROM t WHERE v > 3 AND "Odd" = \'x"y\' ORDER BY v DESC, id LIMIT 3',
    "SELECT * FROM t JOIN u ON id = a WHERE b = 3",
    "SELECT * FROM t LEFT JOIN u ON v = b AND a > 400",
    "SELECT * FROM t FULL JOIN u ON id = a",
    "SELECT * FROM t x WHERE NOT EXISTS (SELECT FROM u WHERE a = x.id)",
    "SELECT v, count(*) FROM t GROUP BY v HAVING count(*) > 3",
    "SELECT v, id, sum(v) FROM t GROUP BY ROLLUP (v, id)",
    "SELECT DISTINCT v FROM t UNION ALL SELECT a FROM u",
    "SELECT v FROM t EXCEPT ALL SELECT a FROM u",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT (i + 1) % 5 FROM n) SELECT * FROM n x, t WHERE id = i",
    "WITH m AS MATERIALIZED (SELECT max(id) FROM t) SELECT * FROM m, u WHERE a = (SELECT min(v) FROM t)",
    "SELECT id, row_number() OVER (PARTITION BY v ORDER BY id) FROM t",
    "SELECT id FROM t ORDER BY id, v LIMIT 5",
    "SELECT * FROM generate_series(1, 3) g, LATERAL (SELECT * FROM t WHERE id = g) s",
    "SELECT * FROM (VALUES (1), (2)) AS w(x), pg_class WHERE oid = x",
    "INSERT INTO t VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET v = 1",
    "UPDATE t x SET v = b FROM u WHERE a = id RETURNING x.*",
    "DELETE FROM t WHERE v = (SELECT max(b) FROM u) AND id IN (1, 2)",
    "SELECT * FROM t FOR UPDATE",
)


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[psycopg.Connection[tuple[str]]]:
    with psycopg.connect(postgres_url) as connection:
        connection.execute(SET_UP)
        yield connection
        connection.rollback()


def asked(server: psycopg.Connection[tuple[str]], options: str, query: str) -> list[str]:
    cursor = psycopg.RawCursor(server)
    cursor.adapters.register_loader("json", psycopg.types.string.TextLoader)
    return [row[0] for row in cursor.execute(f"EXPLAIN ({options}) {query}".encode()).fetchall()]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("options", ["VERBOSE", "COSTS OFF", "COSTS OFF, VERBOSE"])
def test_text_is_postgres_text(server: psycopg.Connection[tuple[str]], query: str, options: str) -> None:
    (answer,) = asked(server, f"{options}, VERBOSE, FORMAT JSON", query)
    plan = json.loads(answer, parse_float=Decimal)[0]
    if "VERBOSE" not in options:
        plan["Plan"] = terse(plan["Plan"])
    assert text.lines(plan) == asked(server, options, query)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(
    ("layout", "write"), [("JSON", structured.as_json), ("YAML", structured.as_yaml), ("XML", structured.as_xml)]
)
def test_other_formats_are_postgres(
    server: psycopg.Connection[tuple[str]], query: str, layout: str, write: "structured.Writer"
) -> None:
    (answer,) = asked(server, "VERBOSE, FORMAT JSON", query)
    assert write(json.loads(answer, parse_float=Decimal)[0]) == asked(server, f"VERBOSE, FORMAT {layout}", query)


@pytest.mark.parametrize("query", QUERIES)
def test_a_run_is_told_as_postgres_tells_it(server: psycopg.Connection[tuple[str]], query: str) -> None:
    options = "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF"
    told = [asked(server, each, query) for each in (f"{options}, VERBOSE", f"{options}, VERBOSE, FORMAT JSON")]
    plan = json.loads(told[1][0], parse_float=Decimal)[0]
    kept = [line for line in told[0] if "Heap Fetches" not in line]
    assert [line for line in text.lines(plan) if "Heap Fetches" not in line] == kept
