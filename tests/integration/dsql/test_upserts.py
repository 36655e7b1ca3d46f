"""INSERT ... ON CONFLICT: which keys decide, and what the proposed row is; test_occ.py has conflicts of upserts."""

import pytest

from tests.fix_sessions import Session, Stage

NO_ARBITER = "there is no unique or exclusion constraint matching the ON CONFLICT specification"


@pytest.fixture
def session(stage: Stage) -> Session:
    """A session in a table of two rows; codes are unique whatever their case, and so are numbers above 5."""
    session = stage.set_up(
        "CREATE TABLE u (id int PRIMARY KEY, code text, n int DEFAULT 1)",
        "INSERT INTO u VALUES (1, 'One', 10), (2, 'Two', 1)",
    )
    assert session.job("CREATE UNIQUE INDEX ASYNC ON u (lower(code))")
    assert session.job("CREATE UNIQUE INDEX ASYNC ON u (n) WHERE n > 5")
    return session


@pytest.mark.parametrize("target", ["lower(code)", "lower(u.code)", "lower(code), lower(code)"])
def test_an_expression_decides(session: Session, target: str) -> None:
    upsert = f"INSERT INTO u VALUES (3, 'ONE') ON CONFLICT ({target}) DO UPDATE SET code = excluded.code RETURNING *"
    assert session(upsert) == [(1, "ONE", 10)]
    assert session.tag == "INSERT 0 1"


@pytest.mark.parametrize("predicate", ["n > 5", "n > 7"])
def test_a_part_of_the_rows_decides(session: Session, predicate: str) -> None:
    do_nothing = f"ON CONFLICT (n) WHERE {predicate} DO NOTHING"
    session(f"INSERT INTO u VALUES (3, 'three', 10) {do_nothing}")
    assert session.tag == "INSERT 0 0"
    session(f"INSERT INTO u VALUES (3, 'three', 1) {do_nothing}")
    assert session.tag == "INSERT 0 1"


@pytest.mark.parametrize("target", ["upper(code)", "code", "n", "id, lower(code)", "lower(code), n"])
def test_no_index_is_of_that_key(session: Session, target: str) -> None:
    error = session.fails(f"INSERT INTO u VALUES (3, 'three') ON CONFLICT ({target}) DO NOTHING")
    assert (error.sqlstate, error.diag.message_primary) == ("42P10", NO_ARBITER)


@pytest.mark.parametrize("rows", ["(1, 'a', 2)", "(1, 'a', 2), (3, 'b', 2)"])
def test_the_proposed_row_is_one_of_the_table(session: Session, rows: str) -> None:
    upsert = f"INSERT INTO u VALUES {rows} ON CONFLICT (id) DO UPDATE SET code ="
    session(f"{upsert} excluded::text")
    assert session("SELECT code FROM u WHERE id = 1") == ["(1,a,2)"]
    session(f"{upsert} to_jsonb(excluded)::text WHERE u IS DISTINCT FROM excluded")
    assert session("SELECT code FROM u WHERE id = 1") == ['{"n": 2, "id": 1, "code": "a"}']
    session(f"{upsert} excluded.code WHERE u.* = excluded.*")
    assert session("SELECT code FROM u WHERE id = 1") == ['{"n": 2, "id": 1, "code": "a"}']


def test_one_row_is_not_changed_twice(session: Session) -> None:
    twice = "INSERT INTO u VALUES (3, 'a'), (3, 'b') ON CONFLICT (id)"
    assert session.refused(f"{twice} DO UPDATE SET code = 'c'") == "21000"
    session(f"{twice} DO NOTHING")
    assert session.tag == "INSERT 0 1"
    assert session("SELECT code FROM u WHERE id = 3") == ["a"]


@pytest.fixture
def view(stage: Stage) -> Session:
    """A session, and a view that shows a table's columns under other names, in another order, with its own default."""
    return stage.set_up(
        "CREATE TABLE t (id int PRIMARY KEY, code text UNIQUE, n int DEFAULT 1, since text)",
        "ALTER TABLE t DROP COLUMN since",
        "INSERT INTO t VALUES (1, 'one', 1)",
        "CREATE VIEW below AS SELECT n, code, id AS key FROM t ORDER BY id",
        "CREATE VIEW v AS SELECT key, code AS name, n FROM below",
        "ALTER VIEW v ALTER name SET DEFAULT 'nameless'",
    )


def test_an_upsert_of_a_view_is_one_of_its_table(view: Session) -> None:
    upsert = "INSERT INTO v AS t (key, name) VALUES (1, 'first'), (2, 'second') ON CONFLICT (key)"
    returning = "DO UPDATE SET name = excluded.name, n = t.n + excluded.n RETURNING *"
    assert sorted(view(f"{upsert} {returning}")) == [(1, "first", 2), (2, "second", 1)]
    assert view.tag == "INSERT 0 2"
    assert view("SELECT * FROM t ORDER BY id") == [(1, "first", 2), (2, "second", 1)]


def test_a_view_has_the_keys_of_its_table(view: Session) -> None:
    view("INSERT INTO v (key, name) VALUES (1, 'other'), (2, 'one'), (3, DEFAULT) ON CONFLICT DO NOTHING")
    assert view.tag == "INSERT 0 1"
    assert view("SELECT * FROM t ORDER BY id") == [(1, "one", 1), (3, "nameless", 1)]
    error = view.fails("INSERT INTO v VALUES (1) ON CONFLICT (n) DO NOTHING")
    assert (error.sqlstate, error.diag.message_primary) == ("42P10", NO_ARBITER)


@pytest.mark.parametrize("action", ["DO NOTHING", "DO UPDATE SET n = 0"])
@pytest.mark.parametrize(
    ("values", "sqlstate"),
    [("1, NULL, 5", "23502"), ("1, 'x', -5", "23514"), ("1, 'x', 5", None), ("NULL, 'x', 5", "23502")],
)
def test_a_proposed_row_has_to_be_a_good_one(stage: Stage, action: str, values: str, sqlstate: str | None) -> None:
    session = stage.set_up("CREATE TABLE t (id int PRIMARY KEY, code text NOT NULL, n int CHECK (n >= 0))")
    session("INSERT INTO t VALUES (1, 'one', 1)")
    upsert = f"INSERT INTO t VALUES ({values}) ON CONFLICT (id) {action}"
    if sqlstate is None:
        session(upsert)
    else:
        error = session.fails(upsert)
        assert error.sqlstate == sqlstate
        assert error.diag.table_name == "t"
        assert (
            error.diag.message_detail
            == f"Failing row contains ({values.replace('NULL', 'null').replace(chr(39), '')})."
        )


def test_what_is_told_of_a_row_that_is_wrong_in_several_ways(stage: Stage) -> None:
    session = stage.set_up("CREATE TABLE t (id int PRIMARY KEY, code int UNIQUE, n int CHECK (n >= 0))")
    session("INSERT INTO t VALUES (1, 1, 1), (2, 2, 2)")
    for statement in ("INSERT INTO t VALUES (1, 1, -1)", "UPDATE t SET id = 1, code = 1, n = -1 WHERE id = 2"):
        assert session.fails(statement).diag.constraint_name == "t_n_check"
        assert session.fails(statement.replace("-1", "1")).diag.constraint_name == "t_pkey"
        assert (
            session.fails(
                statement.replace("-1", "1").replace("(1,", "(3,").replace("id = 1,", "id = 3,")
            ).diag.constraint_name
            == "t_code_key"
        )


def test_a_table_without_a_primary_key_has_duplicates_too(stage: Stage) -> None:
    session = stage.set_up("CREATE TABLE t (a int UNIQUE, b int, UNIQUE NULLS NOT DISTINCT (b))")
    session("INSERT INTO t VALUES (1, 1), (2, NULL)")
    for statement, name in (
        ("INSERT INTO t VALUES (1, 3)", "t_a_key"),
        ("INSERT INTO t VALUES (3, NULL)", "t_b_key"),
        ("UPDATE t SET a = 1 WHERE a = 2", "t_a_key"),
        ("UPDATE t SET b = 1 WHERE a = 2", "t_b_key"),
    ):
        error = session.fails(statement)
        assert (error.sqlstate, error.diag.constraint_name) == ("23505", name)


def test_a_row_that_is_passed_over_is_in_nobodys_way(stage: Stage) -> None:
    session = stage.set_up("CREATE TABLE t (id int PRIMARY KEY, code int UNIQUE)", "INSERT INTO t VALUES (1, 10)")
    rows = "(2, 10), (2, 20), (3, 20), (3, 30), (4, NULL), (5, NULL), (5, 50), (2, 50)"
    session(f"INSERT INTO t VALUES {rows} ON CONFLICT DO NOTHING")
    assert session.tag == "INSERT 0 4"
    assert session("SELECT * FROM t ORDER BY id") == [(1, 10), (2, 20), (3, 30), (4, None), (5, None)]


@pytest.mark.parametrize("values", ["(1, 5)", "(1, 5), (2, 6)"])
def test_the_proposed_row_has_what_is_generated_of_it(stage: Stage, values: str) -> None:
    session = stage.set_up(
        "CREATE TABLE t (id int PRIMARY KEY, n int, d int DEFAULT 4, s int GENERATED ALWAYS AS (n + d) STORED)",
        "INSERT INTO t VALUES (1, 3)",
    )
    session(f"INSERT INTO t VALUES {values} ON CONFLICT (id) DO UPDATE SET n = excluded.s")
    assert session("SELECT * FROM t WHERE id = 1") == [(1, 9, 4, 13)]
