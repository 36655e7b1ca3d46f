"""Views that users make: what they stand on, and the rows that are locked through them."""

import pytest

from tests.fix_sessions import Session, Stage

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v int, w text DEFAULT 'd', x int)"
SEED = "INSERT INTO t VALUES (1, 10, 'a', 1), (2, 20, 'b', 2)"
OTHER = "CREATE TABLE u (a int, b text, t int, PRIMARY KEY (a, b))"
OTHER_SEED = "INSERT INTO u VALUES (1, 'x', 1), (2, 'y', 2)"

# Columns that go


def test_a_column_goes_that_no_view_shows(stage: Stage) -> None:
    session = stage.set_up(
        TABLE,
        SEED,
        "CREATE VIEW part AS SELECT id, x FROM t",
        "CREATE VIEW more WITH (security_barrier) AS SELECT s.x, t.v FROM part s JOIN t USING (id)",
        "ALTER TABLE t DROP COLUMN w",
    )
    assert session("SELECT * FROM t ORDER BY id") == [(1, 10, 1), (2, 20, 2)]
    session("UPDATE part SET x = 5 WHERE id = 1")
    assert session("SELECT * FROM more ORDER BY v") == [(5, 10), (2, 20)]
    session("INSERT INTO t VALUES (3, 30, 3)")
    assert session("SELECT * FROM part ORDER BY id") == [(1, 5), (2, 2), (3, 3)]


def test_what_is_said_of_a_view_stays(stage: Stage) -> None:
    session = stage.set_up(
        TABLE,
        "CREATE VIEW part WITH (security_barrier) AS SELECT id, x FROM t WHERE x > 0 WITH CHECK OPTION",
        "COMMENT ON VIEW part IS 'kept'",
        "ALTER VIEW part ALTER COLUMN x SET DEFAULT 7",
        "GRANT SELECT ON part TO PUBLIC",
    )
    facts = (
        "SELECT oid, relowner, relacl::text, reloptions, obj_description(oid, 'pg_class'), pg_get_viewdef(oid)"
        " FROM pg_class WHERE oid = 'part'::regclass"
    )
    before = session(facts)
    stage.set_up("ALTER TABLE t DROP COLUMN w")
    assert session.retried(facts) == before
    assert session("INSERT INTO part (id) VALUES (1) RETURNING x") == [7]
    assert session.refused("INSERT INTO part VALUES (2, -1)") == "44000"


def test_a_column_that_a_view_uses_stays(stage: Stage) -> None:
    session = stage.set_up(
        TABLE, SEED, "CREATE VIEW big AS SELECT id FROM t WHERE v > 10", "CREATE VIEW over AS SELECT * FROM big"
    )
    error = session.fails("ALTER TABLE t DROP COLUMN v")
    assert (error.sqlstate, error.diag.message_primary) == (
        "2BP01",
        "cannot drop column v of table t because other objects depend on it",
    )
    assert error.diag.message_detail == "view big depends on column v of table t\nview over depends on view big"
    assert error.diag.message_hint == "Use DROP ... CASCADE to drop the dependent objects too."
    assert session("SELECT v FROM t ORDER BY v") == [10, 20]


def test_cascade_takes_the_views_that_use_a_column(stage: Stage) -> None:
    session = stage.set_up(
        TABLE,
        SEED,
        "CREATE VIEW big AS SELECT id FROM t WHERE v > 10",
        "CREATE VIEW over AS SELECT * FROM big",
        "CREATE VIEW other AS SELECT id, w FROM t",
        "ALTER TABLE t DROP COLUMN v CASCADE",
    )
    assert session("SELECT table_name FROM information_schema.views WHERE table_schema = current_schema") == ["other"]
    assert session("SELECT * FROM other ORDER BY id") == [(1, "a"), (2, "b")]


def test_columns_come_and_go_under_a_view(stage: Stage) -> None:
    session = stage.set_up(
        TABLE,
        SEED,
        "CREATE VIEW part AS SELECT id, x FROM t",
        "ALTER TABLE t DROP COLUMN v",
        "ALTER TABLE t ADD COLUMN v text",
        "ALTER TABLE t DROP COLUMN w",
        "ALTER TABLE t RENAME COLUMN x TO y",
    )
    session("UPDATE t SET v = 'new', y = 3 WHERE id = 1")
    assert session("SELECT * FROM t ORDER BY id") == [(1, 3, "new"), (2, 2, None)]
    assert session("SELECT id, x FROM part ORDER BY id") == [(1, 3), (2, 2)]
    session("INSERT INTO t VALUES (2, 9, 'z') ON CONFLICT (id) DO UPDATE SET y = excluded.y")
    assert session("SELECT y FROM t WHERE id = 2 FOR UPDATE") == [9]


def test_catalogs_tell_what_a_view_stands_on(stage: Stage) -> None:
    session = stage.set_up(TABLE, "CREATE VIEW part AS SELECT id, x FROM t")
    used = "SELECT table_name, column_name FROM information_schema.view_column_usage WHERE view_schema = current_schema"
    assert sorted(session(used)) == [("t", "id"), ("t", "x")]
    assert session.fails("DROP TABLE t").diag.message_detail == "view part depends on table t"


# Rows that are locked

VIEWS = {
    "one": "SELECT id, v FROM t WHERE v > 0",
    "nested": "SELECT v AS value, id AS number FROM (SELECT * FROM t) s",
    "joined": "SELECT t.id, u.a, u.b FROM t JOIN u ON u.t = t.id",
    "equal": "SELECT a, b, u.t FROM t, u WHERE u.t = t.id",
    "joined_using": "SELECT * FROM t JOIN (SELECT t AS id, a, b FROM u) s USING (id)",
}


def locking(stage: Stage, query: str, *more: str) -> tuple[Session, Session]:
    """Two sessions in a transaction; the first has run a query through the view `shown`."""
    first, second = stage.pair(TABLE, SEED, OTHER, OTHER_SEED, f"CREATE VIEW shown AS {query}", *more)
    return first, second


@pytest.mark.parametrize("view", VIEWS)
def test_rows_are_locked_through_a_view(stage: Stage, view: str) -> None:
    a, b = locking(stage, VIEWS[view], "CREATE VIEW over AS SELECT * FROM shown")
    rows = a("SELECT * FROM over ORDER BY 1 LIMIT 1 FOR UPDATE")
    assert rows == a("SELECT * FROM over ORDER BY 1 LIMIT 1")
    b("UPDATE t SET v = v + 1 WHERE id = 1")
    assert not b.loses()
    assert a.loses()


@pytest.mark.parametrize("statement", ["UPDATE t SET v = 0 WHERE id = 2", "UPDATE u SET t = 1 WHERE a = 2"])
def test_rows_that_a_query_leaves_out_are_not_locked(stage: Stage, statement: str) -> None:
    a, b = locking(stage, VIEWS["joined"])
    assert a("SELECT id FROM shown WHERE a = 1 FOR UPDATE") == [1]
    b(statement)
    assert not b.loses()
    assert not a.loses()


@pytest.mark.parametrize(
    ("query", "table"),
    [
        ("SELECT s.id FROM shown s JOIN u ON u.t = s.id WHERE s.id = 1 FOR UPDATE OF s", "t"),
        ("SELECT s.p FROM shown AS s(p) WHERE p = 1 FOR UPDATE", "t"),
        ("SELECT * FROM (SELECT * FROM shown WHERE id = 1) s FOR UPDATE", "t"),
        ("UPDATE u SET t = NULL WHERE t = (SELECT id FROM shown WHERE id = 1 FOR UPDATE)", "u"),
        ("UPDATE u SET t = NULL WHERE t = (SELECT id FROM shown WHERE id = 1 FOR UPDATE)", "t"),
        ("WITH found AS (SELECT id FROM shown WHERE id = 1 FOR UPDATE) SELECT * FROM found", "t"),
    ],
)
def test_a_view_may_stand_wherever_a_table_may(stage: Stage, query: str, table: str) -> None:
    a, b = locking(stage, VIEWS["one"])
    a(query)
    b(f"DELETE FROM {table} WHERE {'id' if table == 't' else 't'} = 1")
    assert not b.loses()
    assert a.loses()


@pytest.mark.parametrize(("statement", "loses"), [("UPDATE t SET v = 1", False), ("DELETE FROM t", True)])
def test_a_key_share_through_a_view_is_as_weak(stage: Stage, statement: str, loses: bool) -> None:
    a, b = locking(stage, VIEWS["one"])
    a("SELECT 1 FROM shown WHERE id = 1 FOR KEY SHARE")
    b(f"{statement} WHERE id = 1")
    assert not b.loses()
    assert a.loses() is loses


def test_what_unites_rows_has_none_to_lock(stage: Stage) -> None:
    a, b = locking(stage, "SELECT id FROM t UNION ALL SELECT a FROM u")
    assert len(a("SELECT * FROM shown FOR UPDATE")) == 4
    b("DELETE FROM t")
    assert not b.loses()
    assert not a.loses()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT max(v) FROM t", "is not allowed with aggregate functions"),
        ("SELECT v FROM t GROUP BY v", "is not allowed with GROUP BY clause"),
        ("SELECT DISTINCT v FROM t", "is not allowed with DISTINCT clause"),
        ("SELECT rank() OVER () FROM t", "is not allowed with window functions"),
        ("SELECT t.id FROM t LEFT JOIN u ON u.t = t.id", "cannot be applied to the nullable side of an outer join"),
    ],
)
def test_views_whose_rows_are_not_those_of_tables(stage: Stage, query: str, message: str) -> None:
    session = stage.set_up(TABLE, OTHER, f"CREATE VIEW shown AS {query}")
    error = session.fails("SELECT * FROM shown FOR UPDATE")
    assert (error.sqlstate, error.diag.message_primary) == ("0A000", f"FOR UPDATE {message}")
