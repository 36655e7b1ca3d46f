"""What can be defined and changed, and what is refused in which words."""

import psycopg
import pytest

from tests.fix_cluster import change
from tests.fix_sessions import Session, Stage

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v > 0), w text DEFAULT 'd')"
SEED = "INSERT INTO t VALUES (1, 1)"
VALIDATED = "SELECT convalidated FROM pg_constraint WHERE conname = 'big' AND conrelid = 't'::regclass"


@pytest.fixture
def session(module_stage: Stage) -> Session:
    """A session in a schema with a table that the test does not change."""
    return module_stage.set_up("CREATE TABLE IF NOT EXISTS kept (id int PRIMARY KEY, v int)")


REFUSED = {
    "TRUNCATE kept": "unsupported statement: Truncate",
    "CREATE EXTENSION hstore": "unsupported statement: CreateExtension",
    "CREATE TEMP TABLE x (id int)": "TEMPORARY or TEMP table not supported for CREATE TABLE",
    "CREATE UNLOGGED TABLE x (id int)": "UNLOGGED table not supported for CREATE TABLE",
    "CREATE TABLE x AS SELECT 1": "unsupported statement: CreateTableAs",
    "CREATE MATERIALIZED VIEW x AS SELECT 1": "unsupported statement: CreateTableAs",
    "CREATE TABLE x (id int) PARTITION BY RANGE (id)": "PARTITION BY clause not supported for CREATE TABLE",
    "CREATE TABLE x PARTITION OF kept DEFAULT": "PARTITION OF clause not supported for CREATE TABLE",
    'CREATE TABLE x (v text COLLATE "C")': "COLLATE clause not supported",
    "CREATE INDEX i ON kept USING btree (v)": "USING not supported for CREATE INDEX",
    "CREATE INDEX CONCURRENTLY i ON kept (v)": "CONCURRENTLY not supported for CREATE INDEX",
    "CREATE INDEX i ON kept (v)": "unsupported mode. please use CREATE INDEX ASYNC.",
    "DROP INDEX CONCURRENTLY i": "DROP INDEX CONCURRENTLY must be first action in transaction",
    "DROP DOMAIN word CASCADE": "DROP DOMAIN with CASCADE unsupported",
    "ALTER DOMAIN word SET NOT NULL": "unsupported ALTER DOMAIN SET NOT NULL statement",
    "CREATE TYPE mood AS ENUM ('ok')": "CREATE TYPE not supported",
    "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x'": "CREATE FUNCTION with language c not supported",
    "LOCK TABLE kept": "unsupported statement: Lock",
    "LISTEN news": "unsupported statement: Listen",
    "NOTIFY news": "unsupported statement: Notify",
    "VACUUM kept": "unsupported VACUUM statement",
    "MERGE INTO kept USING kept k ON kept.id = k.id WHEN MATCHED THEN DELETE": "unsupported statement type: MERGE",
    "DECLARE c CURSOR FOR SELECT 1": "unsupported statement: DeclareCursor",
    "SELECT * FROM kept TABLESAMPLE SYSTEM (10)": "TABLESAMPLE clause not supported",
    "CREATE DATABASE other": "unsupported statement: Createdb",
    "CREATE SEQUENCE s": (
        "CREATE SEQUENCE is not supported without an explicit cache size. "
        "please define CACHE greater than or equal to 65536 or equal to 1"
    ),
    "CREATE TABLE x (id bigint GENERATED ALWAYS AS IDENTITY)": (
        "identity column is not supported without an explicit cache size. "
        "please define CACHE greater than or equal to 65536 or equal to 1"
    ),
    "CREATE TABLE x (id int GENERATED ALWAYS AS IDENTITY (CACHE 1))": (
        "datatype integer not supported, identity column type must be bigint"
    ),
    "ALTER TABLE kept ADD COLUMN x int DEFAULT 1": "ALTER TABLE ADD COLUMN with constraint not supported",
    "ALTER TABLE kept ADD COLUMN x int NOT NULL": "ALTER TABLE ADD COLUMN with constraint not supported",
    "ALTER TABLE kept ALTER COLUMN v TYPE bigint": ("unsupported ALTER TABLE ALTER COLUMN ... SET DATA TYPE statement"),
    "ALTER TABLE kept ADD CONSTRAINT u UNIQUE (v)": "unsupported ALTER TABLE ADD CONSTRAINT statement",
    "ALTER TABLE kept ADD CONSTRAINT c CHECK (v > 0)": "unsupported ALTER TABLE ADD CONSTRAINT statement",
    "ALTER TABLE kept DROP COLUMN id": "cannot drop primary key column id",
    "ALTER TABLE kept DROP CONSTRAINT kept_pkey": "unsupported ALTER TABLE DROP CONSTRAINT statement",
    "ALTER TABLE kept ALTER v ADD GENERATED ALWAYS AS IDENTITY (CACHE 1)": (
        "datatype integer not supported, identity column type must be bigint"
    ),
    "GRANT USAGE ON SCHEMA public TO admin": "feature not supported on system entity",
    "GRANT CONNECT ON DATABASE postgres TO admin": "unsupported object type in GRANT",
}


@pytest.mark.parametrize("statement", REFUSED)
def test_refused(session: Session, statement: str) -> None:
    error = session.fails(statement)
    assert (error.sqlstate, error.diag.message_primary) == ("0A000", REFUSED[statement])
    assert session("SELECT 1") == [1]


def test_serial_is_no_type(session: Session) -> None:
    error = session.fails("CREATE TABLE x (id serial)")
    assert (error.sqlstate, error.diag.message_primary) == ("42704", 'type "serial" does not exist')


CACHE = "CACHE (1000) must be greater than or equal to 65536 or equal to 1"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE x (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000) PRIMARY KEY)",
        "CREATE SEQUENCE x CACHE 1000",
    ],
)
def test_a_cache_of_another_size_is_bad_data(session: Session, statement: str) -> None:
    error = session.fails(statement)
    assert isinstance(error, psycopg.DataError)
    assert error.diag.message_primary == CACHE


def test_an_identity_may_be_changed_and_dropped(stage: Stage) -> None:
    session = stage.set_up(
        "CREATE TABLE n (id bigint GENERATED BY DEFAULT AS IDENTITY (CACHE 1) PRIMARY KEY, v int)",
        "ALTER TABLE n ALTER id SET GENERATED ALWAYS SET INCREMENT BY 10 RESTART WITH 5",
    )
    assert session("INSERT INTO n (v) SELECT 1 FROM generate_series(1, 2) RETURNING id") == [5, 15]
    assert session.refused("INSERT INTO n VALUES (1, 1)") == "428C9"
    session("ALTER TABLE n ALTER id DROP IDENTITY")
    assert session("INSERT INTO n VALUES (1, 1) RETURNING id") == [1]


def test_a_sequence_goes_with_the_default_that_needs_it(stage: Stage) -> None:
    session = stage.set_up(
        "CREATE SEQUENCE s CACHE 1", "CREATE TABLE n (id int PRIMARY KEY, v int DEFAULT nextval('s'))"
    )
    error = session.fails("DROP SEQUENCE s")
    assert (error.sqlstate, error.diag.message_detail) == (
        "2BP01",
        "default value for column v of table n depends on sequence s",
    )
    session("DROP SEQUENCE s CASCADE")
    assert session("INSERT INTO n VALUES (1) RETURNING v") == [None]


@pytest.mark.parametrize(
    ("statement", "then", "rows"),
    [
        ("ALTER TABLE t ADD COLUMN x int", "SELECT x FROM t", [None]),
        ("ALTER TABLE t DROP COLUMN w", "SELECT * FROM t", [(1, 1)]),
        ("ALTER TABLE t RENAME COLUMN v TO value", "SELECT value FROM t", [1]),
        ("ALTER TABLE t RENAME TO renamed", "UPDATE renamed SET v = 2 RETURNING v", [2]),
        ("ALTER TABLE t ALTER COLUMN w SET DEFAULT 'e'", "INSERT INTO t VALUES (2, 2) RETURNING w", ["e"]),
        ("ALTER TABLE t ALTER COLUMN w DROP DEFAULT", "INSERT INTO t VALUES (2, 2) RETURNING w", [None]),
        ("ALTER TABLE t DROP CONSTRAINT t_v_check", "UPDATE t SET v = -1 RETURNING v", [-1]),
        ("CREATE VIEW shown AS SELECT v FROM t", "SELECT v FROM shown", [1]),
        ("ALTER TABLE t ADD x int, ALTER x SET DEFAULT 5", "INSERT INTO t (id, v) VALUES (2, 2) RETURNING x", [5]),
        ("CREATE SEQUENCE s CACHE 65536", "SELECT nextval('s')", [1]),
        ("CREATE SEQUENCE s CACHE 1 START 5 INCREMENT 5", "SELECT nextval('s') + nextval('s')", [15]),
        ("COMMENT ON TABLE t IS 'text'", "SELECT obj_description('t'::regclass, 'pg_class')", ["text"]),
        ("CREATE TABLE IF NOT EXISTS t (other int)", "SELECT v FROM t", [1]),
        ("CREATE DOMAIN positive AS int CHECK (VALUE > 0)", "SELECT 5::positive", [5]),
        ("ALTER TABLE t ADD CONSTRAINT small CHECK (v < 10) NOT VALID", "SELECT v FROM t", [1]),
        (
            "CREATE TABLE g (b int GENERATED ALWAYS AS (a * 2) STORED, a int)",
            "INSERT INTO g (a) VALUES (2) RETURNING b",
            [4],
        ),
    ],
)
def test_accepted_and_in_force(stage: Stage, statement: str, then: str, rows: list[object]) -> None:
    session = stage.set_up(TABLE, SEED, statement)
    assert session(then) == rows


def test_a_constraint_that_is_not_validated_binds_new_rows(stage: Stage) -> None:
    session = stage.set_up(TABLE, SEED, "ALTER TABLE t ADD CONSTRAINT big CHECK (v > 10) NOT VALID")
    assert session.refused("INSERT INTO t VALUES (2, 5)") == "23514"
    assert session(VALIDATED) == [False]


@pytest.mark.parametrize(("limit", "valid"), [(0, True), (10, False)])
def test_constraints_are_validated_by_a_job(stage: Stage, limit: int, valid: bool) -> None:
    session = stage.set_up(TABLE, SEED, f"ALTER TABLE t ADD CONSTRAINT big CHECK (v > {limit}) NOT VALID")
    assert session.job("ALTER TABLE ASYNC t VALIDATE CONSTRAINT big") is valid
    assert session(VALIDATED) == [valid]


def test_validation_is_no_matter_of_a_moment(stage: Stage) -> None:
    session = stage.set_up(TABLE, "ALTER TABLE t ADD CONSTRAINT big CHECK (v > 0) NOT VALID")
    error = session.fails("ALTER TABLE t VALIDATE CONSTRAINT big")
    assert (error.sqlstate, error.diag.message_primary) == (
        "0A000",
        "unsupported ALTER TABLE VALIDATE CONSTRAINT statement",
    )


def test_a_foreign_key_may_be_added_unvalidated(stage: Stage) -> None:
    session = stage.set_up(
        TABLE,
        SEED,
        "CREATE TABLE c (id int PRIMARY KEY, t int)",
        "INSERT INTO c VALUES (1, 9)",
        "ALTER TABLE c ADD CONSTRAINT fk FOREIGN KEY (t) REFERENCES t NOT VALID",
    )
    assert session.refused("INSERT INTO c VALUES (2, 9)") == "23503"
    session("INSERT INTO c VALUES (2, 1)")
    assert not session.job("ALTER TABLE ASYNC c VALIDATE CONSTRAINT fk")
    session("DELETE FROM c WHERE t = 9")
    assert session.job("ALTER TABLE ASYNC c VALIDATE CONSTRAINT fk")


# Views, functions, domains


def test_views_over_views_and_joins_see_own_writes(stage: Stage) -> None:
    session = stage.set_up(
        TABLE,
        SEED,
        "CREATE VIEW one AS SELECT id, v FROM t",
        "CREATE VIEW two AS SELECT o.v, t.w FROM one o JOIN t USING (id)",
    )
    session.begin()("UPDATE t SET v = 7")
    assert session("SELECT * FROM two") == [(7, "d")]
    session("ROLLBACK")
    assert session("SELECT * FROM two") == [(1, "d")]


def test_functions_over_tables_see_own_writes(stage: Stage) -> None:
    session = stage.set_up(
        TABLE,
        SEED,
        "CREATE FUNCTION total() RETURNS bigint LANGUAGE sql AS 'SELECT sum(v) FROM t'",
        "CREATE FUNCTION add(n int) RETURNS int LANGUAGE sql AS 'UPDATE t SET v = v + n RETURNING v'",
    )
    session.begin()
    assert session("SELECT add(4)") == [5]
    assert session("SELECT total()") == [5]
    session("ROLLBACK")
    assert session("SELECT total()") == [1]


def test_writes_of_functions_conflict(stage: Stage) -> None:
    a, b = stage.pair(
        TABLE, SEED, "CREATE FUNCTION add(n int) RETURNS int LANGUAGE sql AS 'UPDATE t SET v = v + n RETURNING v'"
    )
    for session in (a, b):
        assert session("SELECT add(4)") == [5]
    assert not a.loses()
    assert b.loses()


def test_functions_take_rows(stage: Stage) -> None:
    session = stage.set_up(
        TABLE,
        SEED,
        "CREATE FUNCTION label(t) RETURNS text LANGUAGE sql AS 'SELECT $1.w || $1.v'",
        "CREATE FUNCTION labels(t[]) RETURNS text LANGUAGE sql AS 'SELECT max(label(r)) FROM unnest($1) r'",
        "CREATE FUNCTION first() RETURNS t LANGUAGE sql AS 'SELECT x FROM t x ORDER BY id LIMIT 1'",
        "CREATE VIEW labelled AS SELECT label(t) AS label FROM t",
    )
    session.begin()
    assert session("UPDATE t SET v = 2 RETURNING label(t), t.label") == [("d2", "d2")]
    assert session("SELECT labels(array_agg(t)), (SELECT v FROM first()) FROM t") == [("d2", 2)]
    session("COMMIT")
    session("ALTER TABLE t ADD COLUMN x int")
    assert session("SELECT label FROM labelled") == ["d2"]


def test_a_view_of_a_function_of_rows_holds_the_table(stage: Stage) -> None:
    session = stage.set_up(
        TABLE,
        "CREATE FUNCTION label(t) RETURNS text LANGUAGE sql AS 'SELECT $1.w'",
        "CREATE VIEW labelled AS SELECT label(t) AS label FROM t",
    )
    detail = session.fails("DROP TABLE t").diag.message_detail
    assert detail == "function label(t) depends on type t\nview labelled depends on table t"
    session("DROP TABLE t CASCADE")
    assert session(
        "SELECT count(*) FROM pg_proc WHERE proname = 'label' AND pronamespace = current_schema()::regnamespace"
    ) == [0]


def test_a_schema_that_its_tables_left_may_go(stage: Stage) -> None:
    session = stage.set_up(TABLE, SEED)
    (home,) = session("SELECT current_schema()")
    session(f"CREATE SCHEMA {home}_other")
    session(f"ALTER TABLE t SET SCHEMA {home}_other")
    session(f"ALTER TABLE {home}_other.t SET SCHEMA {home}")
    session(f"DROP SCHEMA {home}_other")
    session("SELECT * FROM t FOR UPDATE")
    assert session("UPDATE t SET v = 3 RETURNING v") == [3]


def test_domains_are_checked(stage: Stage) -> None:
    session = stage.set_up(
        "CREATE DOMAIN positive AS int CHECK (VALUE > 0)", "CREATE TABLE d (id int PRIMARY KEY, v positive)"
    )
    session("INSERT INTO d VALUES (1, 1)")
    assert session.refused("INSERT INTO d VALUES (2, -1)") == "23514"


def test_a_domain_is_held_by_its_columns(stage: Stage) -> None:
    session = stage.set_up(
        "CREATE DOMAIN amount AS int",
        "CREATE TABLE d (id int PRIMARY KEY, v amount, w text)",
        "CREATE VIEW with_it AS SELECT v FROM d",
    )
    error = session.fails("DROP DOMAIN amount")
    assert error.diag.message_detail == (
        "column v of table d depends on type amount\nview with_it depends on column v of table d"
    )


def test_dependents_hold_what_they_stand_on(stage: Stage) -> None:
    session = stage.set_up(TABLE, "CREATE VIEW shown AS SELECT v FROM t")
    assert session.refused("DROP TABLE t") == "2BP01"
    session("DROP TABLE t CASCADE")
    assert session.refused("SELECT * FROM shown") == "42P01"


def test_a_name_may_be_used_again(stage: Stage) -> None:
    session = stage.set_up(TABLE, SEED, "DROP TABLE t", "CREATE TABLE t (other text PRIMARY KEY)")
    session("INSERT INTO t VALUES ('x')")
    assert session("SELECT * FROM t") == ["x"]


def test_names_that_need_quotes(stage: Stage) -> None:
    session = stage.set_up('CREATE TABLE "The Table" ("The Key" int PRIMARY KEY, "select" text, "ünï" int)')
    session('INSERT INTO "The Table" VALUES (1, %s, 3)', "it's")
    session('UPDATE "The Table" SET "ünï" = "ünï" + 1 WHERE "The Key" = 1')
    assert session('SELECT "select", "ünï" FROM "The Table" t') == [("it's", 4)]


def test_prepared_statements_outlive_a_schema_change(stage: Stage) -> None:
    changer, session = stage.set_up(TABLE, SEED), stage.open()
    query = "SELECT v FROM t WHERE id = %s"
    for _ in range(2):
        assert session.connection.execute(query, [1], prepare=True).fetchall() == [(1,)]
    change(changer.connection, "ALTER TABLE t ADD COLUMN x int")
    session.catch_up()
    assert session.connection.execute(query, [1], prepare=True).fetchall() == [(1,)]
    session.connection.execute("UPDATE t SET v = 3 WHERE id = %s", [1], prepare=True)
    assert session("SELECT v, x FROM t") == [(3, None)]


# Sequences and identity


@pytest.mark.parametrize("cache", [1, 65536])
def test_identity(stage: Stage, cache: int) -> None:
    session = stage.set_up(
        f"CREATE TABLE i (id bigint GENERATED ALWAYS AS IDENTITY (CACHE {cache}) PRIMARY KEY, v text)"
    )
    assert session("INSERT INTO i (v) VALUES ('a'), ('b') RETURNING id") == [1, 2]
    assert session.refused("INSERT INTO i VALUES (9, 'x')") == "428C9"
    session("INSERT INTO i OVERRIDING SYSTEM VALUE VALUES (9, 'x')")
    assert session("SELECT id FROM i ORDER BY id") == [1, 2, 9]


def test_identity_by_default_takes_a_value(stage: Stage) -> None:
    session = stage.set_up("CREATE TABLE i (id bigint GENERATED BY DEFAULT AS IDENTITY (CACHE 1) PRIMARY KEY, v text)")
    assert session("INSERT INTO i (id, v) VALUES (7, 'x') RETURNING id") == [7]
    assert session("INSERT INTO i (v) VALUES ('y') RETURNING id") == [1]


def test_an_identity_comes_and_goes(stage: Stage) -> None:
    session = stage.set_up("CREATE TABLE i (id bigint PRIMARY KEY, v text)")
    assert session.fails("ALTER TABLE i ALTER id ADD GENERATED BY DEFAULT AS IDENTITY").sqlstate == "0A000"
    session("ALTER TABLE i ALTER id ADD GENERATED BY DEFAULT AS IDENTITY (CACHE 1)")
    assert session("INSERT INTO i (v) VALUES ('a') RETURNING id") == [1]
    session("ALTER TABLE i ALTER id SET GENERATED ALWAYS RESTART WITH 20")
    assert session("INSERT INTO i (v) VALUES ('b') RETURNING id") == [20]
    assert session.refused("INSERT INTO i VALUES (9, 'x')") == "428C9"
    session("ALTER TABLE i ALTER id DROP IDENTITY")
    assert session.refused("INSERT INTO i (v) VALUES ('c')") == "23502"
    assert session("INSERT INTO i VALUES (9, 'x') RETURNING id") == [9]


def test_a_generated_column_becomes_an_ordinary_one(stage: Stage) -> None:
    session = stage.set_up("CREATE TABLE g (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED)")
    session("INSERT INTO g VALUES (1)")
    session("ALTER TABLE g ALTER twice DROP EXPRESSION")
    session("INSERT INTO g VALUES (2, 7)")
    session("UPDATE g SET id = 3 WHERE id = 1")
    assert session("SELECT * FROM g ORDER BY id") == [(2, 7), (3, 2)]


def test_a_cache_of_65536_leaves_gaps_between_sessions(stage: Stage) -> None:
    session = stage.set_up("CREATE SEQUENCE s CACHE 65536")
    assert session("SELECT nextval('s')") == [1]
    assert stage.open()("SELECT nextval('s')") == [65537]
    assert session("SELECT nextval('s')") == [2]


def test_a_value_taken_is_not_given_back(stage: Stage) -> None:
    session = stage.set_up("CREATE SEQUENCE s CACHE 1")
    session.begin()
    assert session("SELECT nextval('s')") == [1]
    session("ROLLBACK")
    assert session("SELECT nextval('s'), currval('s')") == [(2, 2)]


# What catalogs show is the user's


def test_catalogs_show_tables_as_they_were_made(stage: Stage) -> None:
    session = stage.set_up(TABLE, "CREATE VIEW shown AS SELECT v FROM t")
    kinds = (
        "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = current_schema ORDER BY 1"
    )
    assert session(kinds) == [("shown", "VIEW"), ("t", "BASE TABLE")]
    columns = (
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema AND table_name = 't'"
    )
    assert session(columns) == ["id", "v", "w"]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT version()", ["PostgreSQL 16"]),
        ("SHOW server_version", ["16.15"]),
        ("SHOW server_version_num", ["160015"]),
        ("SELECT current_database()", ["postgres"]),
        ("SHOW TimeZone", ["UTC"]),
        ("SELECT current_user", ["admin"]),
        ("SELECT rolsuper FROM pg_roles WHERE rolname = current_user", [False]),
    ],
)
def test_what_the_cluster_says_of_itself(session: Session, query: str, rows: list[object]) -> None:
    assert session(query) == rows


def test_a_schema_change_behind_begin_sees_what_was_committed_since(stage: Stage) -> None:
    changer, session = stage.set_up(TABLE), stage.open()
    session("BEGIN")
    change(changer.connection, "ALTER TABLE t ADD COLUMN x int")
    session("ALTER TABLE t ADD COLUMN y int")
    session("COMMIT")
    session("INSERT INTO t (id, x, y) VALUES (7, 8, 9)")
    assert session("SELECT x, y FROM t WHERE id = 7") == [(8, 9)]
