"""Views and overlays follow the tables."""

import psycopg
import pytest

from pytest_dsql.local.occ import install
from tests.unit.occ.sessions import APP, OWNER, Engine, Session

pytestmark = pytest.mark.unit


@pytest.fixture
def owner(engine: Engine) -> Session:
    engine.tables("CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO {t} VALUES (1, 'a')")
    return engine.connect(OWNER)


def shadows(session: Session) -> int:
    """Count what the engine keeps beside the tables: overlay and view, and a ledger of two if keyed."""
    count = (
        "SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text ~ '^pg_occ_' AND relkind IN ('r', 'v')"
    )
    return int(session(count)[0])


def test_a_column_is_added(owner: Session, engine: Engine) -> None:
    app = engine.connect()
    app("CREATE TEMP VIEW reader AS SELECT * FROM {t}")
    owner("ALTER TABLE t ADD COLUMN w int")
    assert app("UPDATE {t} SET w = 5 RETURNING *") == [(1, "a", 5)]
    assert app("SELECT * FROM reader") == [(1, "a")]


def test_a_table_may_have_its_first_column_later(owner: Session) -> None:
    owner("CREATE TABLE nothing ()")
    owner("ALTER TABLE nothing ADD COLUMN a int PRIMARY KEY")
    owner("INSERT INTO {nothing} VALUES (1)")
    assert owner("SELECT * FROM {nothing}") == [1]


def test_a_table_keeps_a_column(owner: Session) -> None:
    owner("CREATE TABLE little (a int)")
    error = owner.fails("ALTER TABLE little DROP COLUMN a")
    assert (error.sqlstate, error.diag.message_primary) == ("0A000", "table without columns not supported")
    assert owner("SELECT * FROM {little}") == []


def test_columns_are_renamed_and_dropped(owner: Session) -> None:
    owner("ALTER TABLE t RENAME COLUMN v TO value")
    owner("INSERT INTO {t} (id, value) VALUES (2, 'b')")
    owner("ALTER TABLE t DROP COLUMN value")
    owner("INSERT INTO {t} VALUES (3)")
    assert owner("SELECT * FROM {t} ORDER BY id") == [1, 2, 3]


def test_a_table_is_renamed_and_moved(owner: Session) -> None:
    owner("ALTER TABLE t RENAME TO u")
    owner("UPDATE {u} SET v = 'b'")
    assert owner.conn.info.transaction_status.name == "IDLE"
    assert owner("SELECT v FROM u") == ["b"]
    assert shadows(owner) == 4


def test_a_table_moves_to_another_schema(owner: Session, engine: Engine) -> None:
    with psycopg.connect(engine.url, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA other AUTHORIZATION {OWNER}")
    owner("ALTER TABLE t SET SCHEMA other")
    owner("SET search_path = other")
    owner("UPDATE {t} SET v = 'b'")
    assert owner("SELECT v FROM other.t") == ["b"]
    owner("DROP SCHEMA other CASCADE")
    assert shadows(owner) == 0
    assert owner("SELECT count(*) FROM pg_namespace WHERE nspname ~ '^pg_occ_'") == [2]


@pytest.mark.parametrize(
    ("depends", "drop"),
    [
        ("CREATE UNIQUE INDEX ON t (same(v))", "DROP FUNCTION same CASCADE"),
        ("ALTER TABLE t ADD CHECK (id < 2 OR same(v) <> 'a')", "DROP FUNCTION same CASCADE"),
        ("CREATE UNIQUE INDEX single ON t (v)", "DROP INDEX single"),
        ("ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES parent", "DROP TABLE parent CASCADE"),
    ],
)
def test_what_goes_by_cascade_binds_no_more(owner: Session, depends: str, drop: str) -> None:
    owner("CREATE FUNCTION same(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1'")
    owner("CREATE TABLE parent (id int PRIMARY KEY)")
    owner("INSERT INTO {parent} VALUES (1)")
    owner(depends)
    again = "INSERT INTO {t} VALUES (2, 'a')"
    assert owner.fails(again).sqlstate in ("23505", "23514", "23503")
    owner(drop)
    owner(again)


def test_dropped_and_made_again(owner: Session) -> None:
    owner("DROP TABLE t")
    assert shadows(owner) == 0
    owner("CREATE TABLE t (v text)")
    owner("INSERT INTO {t} VALUES ('new')")
    assert owner("SELECT * FROM {t}") == ["new"]
    assert shadows(owner) == 2


def test_drop_cares_for_views_of_users(owner: Session) -> None:
    owner("CREATE VIEW reader AS SELECT * FROM {t}")
    assert owner.fails("DROP TABLE t").sqlstate == "2BP01"
    owner("DROP TABLE t CASCADE")
    assert owner("SELECT * FROM pg_views WHERE viewname = 'reader'") == []


def test_ddl_is_transactional(owner: Session) -> None:
    owner("BEGIN")
    owner("ALTER TABLE t ADD COLUMN w int")
    owner("ROLLBACK")
    assert owner("UPDATE {t} SET v = 'b' RETURNING *") == [(1, "b")]


def test_a_new_unique_index_is_enforced_until_dropped(owner: Session) -> None:
    owner("CREATE UNIQUE INDEX one ON t (v)")
    assert owner.fails("INSERT INTO {t} VALUES (2, 'a')").diag.constraint_name == "one"
    owner("DROP INDEX one")
    owner("INSERT INTO {t} VALUES (2, 'a')")


def test_constraints_come_and_go(owner: Session) -> None:
    owner("ALTER TABLE t ADD CONSTRAINT short CHECK (length(v) < 3) NOT VALID")
    assert owner.fails("INSERT INTO {t} VALUES (2, 'long')").diag.constraint_name == "short"
    owner("ALTER TABLE t RENAME CONSTRAINT short TO brief")
    assert owner.fails("INSERT INTO {t} VALUES (2, 'long')").diag.constraint_name == "brief"
    owner("ALTER TABLE t DROP CONSTRAINT brief")
    owner("CREATE TABLE child (id int REFERENCES t)")
    assert owner.fails("INSERT INTO {child} VALUES (2)").sqlstate == "23503"
    owner("INSERT INTO {child} VALUES (1)")
    assert owner.fails("DELETE FROM {t}").sqlstate == "23503"
    owner("ALTER TABLE child DROP CONSTRAINT child_id_fkey")
    owner("INSERT INTO {child} VALUES (2)")
    owner("DROP TABLE child")
    owner("DELETE FROM {t}")
    assert owner("SELECT * FROM t") == []


def test_defaults_follow(owner: Session) -> None:
    owner("ALTER TABLE t ALTER COLUMN v SET DEFAULT 'd'")
    assert owner("INSERT INTO {t} (id) VALUES (2) RETURNING v") == ["d"]
    owner("ALTER TABLE t ALTER COLUMN v DROP DEFAULT")
    assert owner("INSERT INTO {t} (id) VALUES (3) RETURNING v") == [None]


def test_privileges_are_those_of_the_table(owner: Session, engine: Engine) -> None:
    app = engine.connect()
    owner(f"REVOKE ALL ON t FROM {APP}")
    assert app.fails("SELECT * FROM {t}").sqlstate == "42501"
    owner(f"GRANT SELECT, UPDATE (v) ON t TO {APP}")
    app("UPDATE {t} SET v = 'x'")
    assert app.fails("UPDATE {t} SET id = 5").sqlstate == "42501"
    assert app.fails("DELETE FROM {t}").sqlstate == "42501"
    oid = app("SELECT relnamespace FROM pg_class WHERE oid = 't'::regclass")[0]
    assert app.fails(f"SELECT * FROM pg_occ_{oid}_own.t").sqlstate == "42501"


def test_installing_again_keeps_all(owner: Session, engine: Engine) -> None:
    owner("CREATE VIEW reader AS SELECT * FROM {t}")
    with psycopg.connect(engine.url) as admin:
        install(admin)
        install(admin)
    owner("UPDATE {t} SET v = 'b'")
    assert owner("SELECT * FROM reader") == [(1, "b")]


def test_tables_from_before_the_engine_are_taken_over(engine: Engine) -> None:
    with psycopg.connect(engine.url, autocommit=True) as admin:
        admin.execute("DROP EVENT TRIGGER occ_ddl_end")
        admin.execute("CREATE TABLE old (id int PRIMARY KEY)")
        install(admin)
    with psycopg.connect(engine.url, autocommit=True) as admin:
        assert Session(admin)("INSERT INTO {old} VALUES (1) RETURNING id") == [1]


def test_the_catalog_tells_what_to_splice(owner: Session, engine: Engine) -> None:
    owner("CREATE VIEW reader AS SELECT * FROM {t}")
    with psycopg.connect(engine.url) as admin:
        catalog = "SELECT schema, relname, kind, shadow, columns, unique_indexes FROM occ.catalog()"
        rows = admin.execute(catalog).fetchall()
    assert [row[1:3] for row in rows] == [("reader", "v"), ("t", "r")]
    assert rows[0][3] is None
    assert rows[1][3].startswith("pg_occ_")
    assert [column["name"] for column in rows[1][4]] == ["id", "v"]
    assert (rows[1][5][0]["keys"], rows[1][5][0]["primary"]) == (["id"], True)


def test_only_what_has_another_text_is_made_anew(engine: Engine) -> None:
    """Overlay and view where theirs changed, functions where theirs did; nothing where neither did."""
    engine.tables(
        "CREATE TABLE up (id int PRIMARY KEY)",
        "CREATE TABLE t (id int PRIMARY KEY, n int, up int CONSTRAINT up_key REFERENCES up)",
    )
    owner = engine.connect(OWNER)
    kept = """SELECT s.own, (SELECT array_agg(p.xmin::text ORDER BY p.proname) FROM pg_proc p
        WHERE p.proname ~ ('^(insert|delete|update)(_row)?_' || s.base || '$'))
        FROM occ.shadowed s WHERE s.base = 't'::regclass"""

    def made(statement: str) -> tuple[bool, bool]:
        """Return whether overlay and functions are others after it."""
        with engine.superuser() as connection:
            own, code = connection.execute(kept).fetchone() or (0, [])
            owner(statement)
            own_now, code_now = connection.execute(kept).fetchone() or (0, [])
        return own != own_now, code != code_now

    assert made("COMMENT ON TABLE t IS 'text'") == (False, False)
    assert made("ALTER TABLE t ALTER n SET STATISTICS 7") == (False, False)
    assert made("CREATE INDEX ON t (n)") == (False, False)
    assert made("CREATE UNIQUE INDEX ON t (n)") == (False, True)
    assert made("ALTER TABLE up RENAME TO above") == (False, True)
    assert made("ALTER TABLE t RENAME CONSTRAINT up_key TO above_key") == (False, False)
    assert made("ALTER TABLE t ADD CONSTRAINT positive CHECK (n > 0)") == (True, True)
    assert made("ALTER TABLE t RENAME CONSTRAINT positive TO above_zero") == (True, True)
    assert made("ALTER TABLE t ALTER n SET DEFAULT 1") == (True, True)
    assert made("ALTER TABLE t DROP n, ADD n int DEFAULT 1 CONSTRAINT above_zero CHECK (n > 0)") == (True, True)
