"""Users' own views over merged views: columns that go under them, and marks through them."""

import psycopg
import pytest

from pytest_dsql.local.occ import install
from tests.unit.occ.sessions import APP, OWNER, Engine, Session

pytestmark = pytest.mark.unit

WIDE = (
    "CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
    """CREATE TABLE wide (id int PRIMARY KEY, a positive, b int, c int UNIQUE, d text,
                          e int GENERATED ALWAYS AS (c * 2) STORED)""",
    "INSERT INTO {wide} VALUES (1, 1, 1, 1, 'd')",
)


@pytest.fixture
def narrow(engine: Engine) -> Session:
    engine.tables("CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO {t} VALUES (1, 'a')")
    return engine.connect(OWNER)


@pytest.fixture
def wide(engine: Engine) -> Session:
    engine.tables(*WIDE)
    return engine.connect(OWNER)


def test_a_table_without_a_column_works_as_before(wide: Session) -> None:
    wide("CREATE VIEW reader AS SELECT id, c, e FROM {wide}")
    wide("ALTER TABLE wide DROP COLUMN a")
    wide("DROP DOMAIN positive")
    wide("ALTER TABLE wide DROP COLUMN d")
    wide("ALTER TABLE wide ADD COLUMN f text")
    assert wide("INSERT INTO {wide} VALUES (2, 2, 2, DEFAULT, 'e') RETURNING *") == [(2, 2, 2, 4, "e")]
    assert wide("UPDATE reader SET c = 3 WHERE id = 1 RETURNING *") == [(1, 3, 6)]
    assert wide("INSERT INTO reader (id, c) VALUES (3, 9) RETURNING e") == [18]
    assert wide.fails("INSERT INTO {wide} (id, c) VALUES (4, 9)").diag.constraint_name == "wide_c_key"
    assert wide("DELETE FROM {wide} WHERE id = 2 RETURNING *") == [(2, 2, 2, 4, "e")]
    with wide.conn.cursor().copy(f"COPY {wide.view('wide')} (id, b, c, f) FROM STDIN") as copy:
        copy.write_row((5, 5, 5, "e"))
    wide.mark("for_update", "wide", "id = 5")
    assert wide("SELECT w::text FROM {wide} w ORDER BY id") == ["(1,1,3,6,)", "(3,,9,18,)", "(5,5,5,10,e)"]
    assert wide("SELECT w::text FROM ONLY wide w ORDER BY id") == ["(1,1,3,6,)", "(3,,9,18,)", "(5,5,5,10,e)"]


def test_a_column_goes_under_views_twice_and_the_engine_is_installed_again(wide: Session, engine: Engine) -> None:
    wide("CREATE VIEW reader AS SELECT * FROM {wide}")
    wide("ALTER TABLE wide DROP COLUMN c CASCADE")
    wide("CREATE VIEW reader AS SELECT * FROM {wide}")
    with psycopg.connect(engine.url) as admin:
        install(admin)
    wide("CREATE OR REPLACE VIEW reader AS SELECT *, 1 AS more FROM {wide}")
    wide("UPDATE {wide} SET b = 2")
    assert wide("SELECT * FROM reader") == [(1, 1, 2, "d", 1)]
    assert wide.fails("ALTER TABLE wide DROP COLUMN d").sqlstate == "2BP01"


def test_functions_hold_the_columns_they_use(narrow: Session) -> None:
    narrow("CREATE FUNCTION first() RETURNS text BEGIN ATOMIC SELECT v FROM {t} WHERE id = 1; END")
    error = narrow.fails("ALTER TABLE t DROP COLUMN v")
    assert (error.sqlstate, error.diag.message_detail) == ("2BP01", "function first() depends on column v of table t")
    narrow("ALTER TABLE t ADD COLUMN w int")
    narrow("ALTER TABLE t DROP COLUMN w")
    assert narrow("SELECT first()") == ["a"]


def test_a_column_dropped_in_vain_is_there_again(narrow: Session) -> None:
    narrow("CREATE VIEW reader AS SELECT id FROM {t}")
    narrow("BEGIN")
    narrow("ALTER TABLE t DROP COLUMN v")
    assert narrow("SELECT * FROM {t}") == [1]
    narrow("ROLLBACK")
    assert narrow("UPDATE {t} SET v = 'b' RETURNING *") == [(1, "b")]


PAIRS = (
    "CREATE TABLE pairs (v int, b varchar(9), a int, PRIMARY KEY (a, b))",
    "INSERT INTO {pairs} VALUES (0, 'x,y', 1)",
)


def hold(mark: str, *path: str, key: str = "ARRAY['1', 'x,y']") -> str:
    """Write the call by which a row of the last relation is marked through the others."""
    oids = ", ".join(f"'{name}'::regclass" for name in path)
    return f"SELECT occ.hold('{mark}', ARRAY[{oids}]::oid[], {key})"


@pytest.mark.parametrize(("mark", "loses"), [("X", True), ("S", False)])
def test_a_row_is_marked_by_its_key(engine: Engine, mark: str, loses: bool) -> None:
    engine.tables(*PAIRS)
    a, b = engine.connect(), engine.connect()
    a("BEGIN")
    assert a(hold(mark, "pairs")) == [None]
    b("UPDATE {pairs} SET v = 1")
    assert a.commit_conflicts() is loses


def test_a_view_lends_the_rights_of_its_owner(engine: Engine) -> None:
    engine.tables(*PAIRS, "CREATE VIEW reader AS SELECT * FROM {pairs}", "CREATE VIEW over AS SELECT * FROM reader")
    owner, app = engine.connect(OWNER), engine.connect()
    owner(f"REVOKE ALL ON pairs, reader FROM {APP}")
    assert app(hold("X", "over", "reader", "pairs")) == [None]
    error = app.fails(hold("X", "reader", "pairs"))
    assert (error.sqlstate, error.diag.message_primary) == ("42501", "permission denied for view reader")
    owner("ALTER VIEW over SET (security_invoker = true)")
    error = app.fails(hold("X", "over", "reader", "pairs"))
    assert (error.sqlstate, error.diag.message_primary) == ("42501", "permission denied for view reader")
    owner(f"GRANT UPDATE (v) ON reader TO {APP}")
    assert app(hold("X", "over", "reader", "pairs")) == [None]
    owner(f"REVOKE UPDATE ON pairs FROM {OWNER}")
    error = app.fails(hold("X", "over", "reader", "pairs"))
    assert (error.sqlstate, error.diag.message_primary) == ("42501", "permission denied for table pairs")
