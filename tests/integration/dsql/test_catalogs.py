"""The system catalogs: each relation of a user once, and nothing of how the service keeps it."""

import pytest

from tests.fix_sessions import Session, Stage

TABLE = "catalogued"


@pytest.fixture
def session(stage: Stage) -> Session:
    """A session, and a table with a view on it."""
    return stage.set_up(
        f"CREATE TABLE {TABLE} (id int PRIMARY KEY, v text CHECK (v <> ''))",
        f"CREATE VIEW seen AS SELECT v FROM {TABLE}",
    )


ONCE = {
    "pg_class": ("SELECT relkind FROM pg_class WHERE relname = %s", ["r"]),
    "qualified": ("SELECT pg_catalog.pg_class.relkind FROM pg_catalog.pg_class WHERE relname = %s", ["r"]),
    "pg_attribute": (
        """SELECT attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
            WHERE relname = %s AND attnum > 0 ORDER BY attnum""",
        ["id", "v"],
    ),
    "pg_constraint": ("SELECT contype FROM pg_constraint WHERE conname LIKE %s || '%%' ORDER BY 1", ["c", "p"]),
    "pg_indexes": ("SELECT indexname FROM pg_indexes WHERE tablename = %s", [f"{TABLE}_pkey"]),
    "pg_tables": ("SELECT count(*) FROM pg_tables WHERE tablename = %s", [1]),
    "pg_type": ("SELECT count(*) FROM pg_type WHERE typname = %s", [1]),
    "tables": ("SELECT table_type FROM information_schema.tables WHERE table_name = %s", ["BASE TABLE"]),
    "columns": (
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
        ["id", "v"],
    ),
    "triggers": ("SELECT trigger_name FROM information_schema.triggers WHERE event_object_table = %s", []),
}


@pytest.mark.parametrize(("query", "expected"), ONCE.values(), ids=ONCE)
def test_a_table_is_there_once(session: Session, query: str, expected: list[object]) -> None:
    assert session(query, TABLE) == expected


def test_a_view_is_there_once(session: Session) -> None:
    assert session("SELECT count(*) FROM information_schema.views WHERE table_name = 'seen'") == [1]
    assert session("SELECT relkind FROM pg_class WHERE relname = 'seen'") == ["v"]


def test_a_view_may_be_changed(session: Session) -> None:
    updatable = "SELECT is_updatable FROM information_schema"
    assert session(f"{updatable}.views WHERE table_name = 'seen'") == ["YES"]
    assert session(f"{updatable}.columns WHERE table_name = 'seen'") == ["YES"]
    assert session("SELECT is_insertable_into FROM information_schema.tables WHERE table_name = 'seen'") == ["YES"]


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT indexdef FROM pg_indexes WHERE indexname = '{TABLE}_pkey'",
        f"SELECT pg_get_indexdef('{TABLE}_pkey'::regclass)",
        f"SELECT pg_catalog.pg_get_indexdef('{TABLE}_pkey'::regclass, 0, true)",
    ],
)
def test_a_primary_key_holds_the_row(session: Session, query: str) -> None:
    (definition,) = session(query)
    assert definition.endswith(f"{TABLE} USING btree_index (id) INCLUDE (v)")


def test_an_index_has_its_keys(session: Session) -> None:
    assert session.job(f"CREATE INDEX ASYNC by_v ON {TABLE} (lower(v), id)")
    assert session("SELECT pg_get_indexdef('by_v'::regclass, 1, true)") == ["lower(v)"]
    (definition,) = session("SELECT pg_get_indexdef('by_v'::regclass)")
    assert definition.endswith(f"{TABLE} USING btree_index (lower(v), id)")


DEFINITION = f" SELECT v\n   FROM {TABLE};"
DEFINITIONS = {
    "by name": ("SELECT pg_get_viewdef('seen')", DEFINITION),
    "by oid": ("SELECT pg_catalog.pg_get_viewdef('seen'::regclass, true)", DEFINITION),
    "pg_views": ("SELECT definition FROM pg_views WHERE viewname = 'seen'", DEFINITION),
    "views": ("SELECT view_definition FROM information_schema.views WHERE table_name = 'seen'", DEFINITION),
    "body": ("SELECT pg_get_function_sqlbody('last'::regproc)", f"RETURN (SELECT max({TABLE}.v) AS max FROM {TABLE})"),
}


@pytest.mark.parametrize(("query", "definition"), DEFINITIONS.values(), ids=DEFINITIONS)
def test_definitions_are_shown_as_written(session: Session, query: str, definition: str) -> None:
    session(f"CREATE FUNCTION last() RETURNS text LANGUAGE sql RETURN (SELECT max(v) FROM {TABLE})")
    assert session(query) == [definition]


def test_a_definition_names_the_schema_that_is_not_in_the_path(session: Session) -> None:
    (schema,) = session("SELECT current_schema()")
    session("CREATE VIEW of_views AS SELECT viewname FROM pg_views")
    session("SET search_path TO pg_catalog")
    assert session(f"SELECT pg_get_viewdef('{schema}.seen')") == [f" SELECT v\n   FROM {schema}.{TABLE};"]
    assert session(f"SELECT pg_get_viewdef('{schema}.of_views')") == [" SELECT viewname\n   FROM pg_views;"]


def test_no_extension_is_to_be_had(session: Session) -> None:
    assert session("SELECT count(*) FROM pg_available_extensions") == [0]
    assert session("SELECT extname FROM pg_extension") == ["plpgsql"]


def test_sizes_are_told_of_what_was_analyzed(session: Session) -> None:
    size = "SELECT relpages, reltuples FROM pg_class WHERE relname = %s"
    session(f"INSERT INTO {TABLE} VALUES (1, 'x')")
    assert session(size, TABLE) == [(0, -1)]
    notices: list[str | None] = []
    session.connection.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    session("ANALYZE")
    assert (session(size, TABLE), notices) == ([(0, 1)], [])


@pytest.mark.parametrize("catalog", ["pg_enum", "pg_policy", "pg_depend", "pg_inherits"])
def test_catalogs_that_can_be_read(session: Session, catalog: str) -> None:
    session(f"SELECT * FROM {catalog} LIMIT 1")


def test_a_session_has_one_number(session: Session, stage: Stage) -> None:
    number = "SELECT sys.current_session_id()"
    (mine,) = session(number)
    assert session(f"{number} FROM pg_sleep(0)") == [mine]
    assert stage.open()(number) != [mine]
    assert session("SELECT sys.dsql_major_version()") == [1]


def test_a_number_has_two_forms(session: Session) -> None:
    number = "0123abcd-4567-89ab-cdef-0123456789ab"
    (text,) = session(f"SELECT sys.uuid_to_base32_str('{number}')")
    assert session(f"SELECT sys.base32_str_to_uuid('{text}')::text") == [number]
    assert session.refused("SELECT sys.base32_str_to_uuid('no number')") == "22P02"


def test_only_a_clusters_schemas_are_listed(session: Session) -> None:
    assert session("SELECT nspname FROM pg_namespace WHERE nspname LIKE '%occ%'") == []
    assert session("SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE '%occ%'") == []


def test_a_query_may_name_its_own_part_like_a_catalog(session: Session) -> None:
    assert session("WITH pg_class AS (SELECT 1 AS relname) SELECT relname FROM pg_class") == [1]


ORIGINS = {
    "table": ("SELECT v, id, 1 FROM t", [("t", "v"), ("t", "id"), None]),
    "join": ("SELECT a.id, b.n FROM t a JOIN u b ON a.id = b.n", [("t", "id"), ("u", "n")]),
    "view": ("SELECT v FROM shown", [("shown", "v")]),
    "locked": ("SELECT id FROM t FOR UPDATE", [("t", "id")]),
    "changed": ("UPDATE t SET v = v RETURNING v, id", [("t", "v"), ("t", "id")]),
    "upsert": ("INSERT INTO u VALUES (1) ON CONFLICT DO NOTHING RETURNING n", None),
    "catalog": ("SELECT relname FROM pg_namespace, pg_class LIMIT 1", None),
}


@pytest.mark.parametrize("what", ORIGINS)
@pytest.mark.parametrize("prepared", [False, True])
def test_a_results_columns_carry_the_numbers_that_the_catalog_shows(stage: Stage, what: str, prepared: bool) -> None:
    session = stage.set_up(
        "CREATE TABLE t (gone int, id int PRIMARY KEY, v int)",
        "ALTER TABLE t DROP COLUMN gone",
        "CREATE TABLE u (n int PRIMARY KEY)",
        "CREATE VIEW shown AS SELECT id, v FROM t",
    )
    statement, expected = ORIGINS[what]
    connection = session.connection.pgconn
    for _ in range(2):
        if prepared:
            connection.prepare(b"", statement.encode())
            result = connection.exec_prepared(b"", [])
        else:
            result = connection.exec_(statement.encode())
        found = [(result.ftable(n), result.ftablecol(n)) for n in range(result.nfields)]
        named = "SELECT relname, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
        names = [
            next(iter(session(f"{named} WHERE attrelid = {table} AND attnum = {column}")), None)
            for table, column in found
        ]
        assert expected is None or names == expected


@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT tableoid::regclass FROM {TABLE}",
        f"SELECT {TABLE}.tableoid::regclass FROM {TABLE}, pg_class LIMIT 1",
        f"SELECT a.tableoid::regclass FROM {TABLE} a JOIN seen USING (v)",
        f"SELECT (SELECT a.tableoid)::regclass FROM {TABLE} a",
        f"UPDATE {TABLE} SET v = v RETURNING tableoid::regclass",
        f"INSERT INTO {TABLE} VALUES (2, 'y') RETURNING tableoid::regclass",
        f"SELECT c.tableoid::regclass || '' FROM pg_class c WHERE relname = '{TABLE}'",
    ],
)
def test_a_row_tells_its_table(session: Session, statement: str) -> None:
    session(f"INSERT INTO {TABLE} VALUES (1, 'x')")
    assert session(statement) == ["pg_class" if "c.tableoid" in statement else TABLE]
    assert session(f"SELECT tableoid FROM {TABLE} LIMIT 1") == session(f"SELECT '{TABLE}'::regclass::oid")
    assert session.connection.execute(f"SELECT tableoid FROM {TABLE}").description[0].name == "tableoid"  # type: ignore[index]
