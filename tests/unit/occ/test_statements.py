"""Statements over merged views answer as PostgreSQL's do over tables."""

from collections.abc import Callable

import pytest

from tests.unit.occ.sessions import Engine, Session

pytestmark = pytest.mark.unit

Open = Callable[..., Session]


@pytest.fixture
def session(engine: Engine) -> Open:
    """Create tables and open a transaction over them."""

    def begin(*statements: str) -> Session:
        engine.tables(*statements)
        opened = engine.connect()
        opened("BEGIN")
        return opened

    return begin


ITEMS = "CREATE TABLE items (id int PRIMARY KEY, name text UNIQUE, n int NOT NULL DEFAULT 7 CHECK (n >= 0))"
DUPLICATE = "duplicate key value violates unique constraint"
NOT_NULL = 'of relation "items" violates not-null constraint'
TWO = "INSERT INTO {items} VALUES (1, 'a', 1), (2, 'b', 2)"


def test_own_writes_are_merged(session: Open) -> None:
    s = session(ITEMS, TWO)
    assert s("INSERT INTO {items} (id, name) VALUES (3, 'c') RETURNING n") == [7]
    assert sorted(s("UPDATE {items} SET n = n + 10 RETURNING id, n")) == [(1, 11), (2, 12), (3, 17)]
    assert s("DELETE FROM {items} WHERE id = 1 RETURNING name") == ["a"]
    assert s("SELECT * FROM {items} ORDER BY id") == [(2, "b", 12), (3, "c", 17)]
    assert s("SELECT count(*) FROM items") == [2]
    assert not s.commit_conflicts()
    assert s("SELECT * FROM items ORDER BY id") == [(2, "b", 12), (3, "c", 17)]


def test_set_based_statements(session: Open) -> None:
    s = session(ITEMS, TWO)
    s("INSERT INTO {items} SELECT id + 10, name || 'x', n FROM {items}")
    assert s.tag == "INSERT 0 2"
    s("UPDATE {items} t SET n = t.n + f.n FROM {items} f WHERE f.id = t.id - 10")
    assert s.tag == "UPDATE 2"
    s("DELETE FROM {items} t USING {items} f WHERE f.id = t.id + 10")
    assert s.tag == "DELETE 2"
    assert s("SELECT id, n FROM {items} ORDER BY id") == [(11, 2), (12, 4)]
    s("WITH gone AS (DELETE FROM {items} RETURNING *) INSERT INTO {items} SELECT id + 9, name || 'y', n FROM gone")
    assert s.tag == "INSERT 0 2"
    s("COMMIT")
    assert s("SELECT id FROM items ORDER BY id") == [20, 21]


def test_a_row_matched_twice_changes_once(session: Open) -> None:
    s = session(ITEMS, TWO)
    s("UPDATE {items} SET n = v FROM (VALUES (10), (20)) f (v) WHERE id = 1")
    assert s.tag == "UPDATE 1"
    s("DELETE FROM {items} USING (VALUES (10), (20)) f (v) WHERE id = 1")
    assert s.tag == "DELETE 1"


@pytest.mark.parametrize(
    ("statement", "sqlstate", "message"),
    [
        ("INSERT INTO {items} VALUES (1, 'z')", "23505", f'{DUPLICATE} "items_pkey"'),
        ("INSERT INTO {items} VALUES (5, 'a')", "23505", f'{DUPLICATE} "items_name_key"'),
        ("UPDATE {items} SET name = 'b' WHERE id = 1", "23505", f'{DUPLICATE} "items_name_key"'),
        ("UPDATE {items} SET id = 3 - id", "23505", f'{DUPLICATE} "items_pkey"'),
        (
            "UPDATE {items} SET n = -1",
            "23514",
            'new row for relation "items" violates check constraint "items_n_check"',
        ),
        ("UPDATE {items} SET n = NULL", "23502", f'null value in column "n" {NOT_NULL}'),
        ("INSERT INTO {items} (name) VALUES ('q')", "23502", f'null value in column "id" {NOT_NULL}'),
        ("UPDATE {items} SET m = 1", "42703", 'column "m" of relation "items" does not exist'),
        ("INSERT INTO {items} VALUES (5, 'v', 'x')", "22P02", 'invalid input syntax for type integer: "x"'),
    ],
)
def test_refused_at_the_statement(session: Open, statement: str, sqlstate: str, message: str) -> None:
    error = session(ITEMS, TWO).fails(statement)
    assert (error.sqlstate, error.diag.message_primary) == (sqlstate, message)


def test_duplicate_names_its_key(session: Open) -> None:
    diag = session(ITEMS, TWO).fails("INSERT INTO {items} VALUES (5, 'a')").diag
    assert diag.message_detail == "Key (name)=(a) already exists."
    assert (diag.schema_name, diag.table_name, diag.constraint_name) == ("public", "items", "items_name_key")


def test_keys_move_within_a_transaction(session: Open) -> None:
    s = session(ITEMS, TWO)
    s("DELETE FROM {items} WHERE id = 1")
    s("INSERT INTO {items} VALUES (1, 'again', 5)")
    s("UPDATE {items} SET id = 9, name = 'a' WHERE id = 2")
    s("INSERT INTO {items} VALUES (2, 'b', 6)")
    s("UPDATE {items} SET name = 'tmp' WHERE id = 2")
    s("UPDATE {items} SET name = 'b' WHERE id = 9")
    s("UPDATE {items} SET name = 'a' WHERE id = 2")
    assert not s.commit_conflicts()
    assert s("SELECT * FROM items ORDER BY id") == [(1, "again", 5), (2, "a", 6), (9, "b", 2)]


def test_inserted_and_deleted_leaves_nothing(session: Open) -> None:
    s = session(ITEMS)
    s("INSERT INTO {items} VALUES (1, 'a', 1)")
    s("DELETE FROM {items}")
    s("INSERT INTO {items} VALUES (1, 'b', 1)")
    s("DELETE FROM {items}")
    assert not s.commit_conflicts()
    assert s("SELECT * FROM items") == []


@pytest.mark.parametrize(
    ("index", "clash", "fine"),
    [
        ("(name) WHERE n > 5", "(3, 'x', 9)", "(3, 'x', 1)"),
        ("(lower(name))", "(3, 'X', 9)", "(3, 'y', 9)"),
        ("(n, name) NULLS NOT DISTINCT", "(3, NULL, 4)", "(3, NULL, 5)"),
    ],
)
def test_unusual_unique_indexes(session: Open, index: str, clash: str, fine: str) -> None:
    table = "CREATE TABLE items (id int PRIMARY KEY, name text, n int)"
    rows = "INSERT INTO {items} VALUES (1, 'x', 9), (2, NULL, 4)"
    s = session(table, f"CREATE UNIQUE INDEX key ON items {index}", rows)
    s(f"INSERT INTO {{items}} VALUES {fine}")
    s("UPDATE {items} SET n = n")
    s("DELETE FROM {items} WHERE id = 3")
    assert s.fails(f"INSERT INTO {{items}} VALUES {clash}").diag.constraint_name == "key"


def test_upsert_as_data_modifying_ctes(session: Open) -> None:
    s = session(ITEMS, TWO)
    s(
        "WITH source (id, name, n) AS (VALUES (1, 'z', 10), (5, 'e', 50)),"
        " changed AS (UPDATE {items} t SET n = source.n FROM source WHERE t.id = source.id RETURNING t.id),"
        " added AS (INSERT INTO {items} SELECT * FROM source"
        " WHERE NOT EXISTS (SELECT FROM {items} t WHERE t.id = source.id) RETURNING id)"
        " SELECT * FROM changed UNION ALL SELECT * FROM added"
    )
    assert s("SELECT id, n FROM {items} ORDER BY id") == [(1, 10), (2, 2), (5, 50)]


def test_table_without_primary_key(session: Open, engine: Engine) -> None:
    s = session("CREATE TABLE bag (v text)", "INSERT INTO {bag} VALUES ('a'), ('a'), ('a'), ('b')")
    s("UPDATE {bag} SET v = v || '!' WHERE v = 'a'")
    assert s.tag == "UPDATE 3"
    s("DELETE FROM {bag} WHERE v = 'b'")
    s("INSERT INTO {bag} VALUES ('c'), ('c')")
    s("UPDATE {bag} SET v = 'd' WHERE v = 'c'")
    assert s.tag == "UPDATE 2"
    other = engine.connect()
    other("BEGIN")
    other("UPDATE {bag} SET v = 'mine' WHERE v = 'b'")
    assert not s.commit_conflicts()
    assert s("SELECT v FROM bag ORDER BY v") == ["a!", "a!", "a!", "d", "d"]
    assert other.commit_conflicts()


def test_a_large_table_without_primary_key_is_updated_in_its_time(session: Open) -> None:
    s = session("CREATE TABLE bag (v int)", "INSERT INTO {bag} SELECT generate_series(1, 3000)")
    s("SET LOCAL statement_timeout = '1s'")
    s("UPDATE {bag} SET v = v + 1")
    assert s.tag == "UPDATE 3000"
    assert not s.commit_conflicts()
    assert s("SELECT min(v), count(DISTINCT v) FROM bag") == [(2, 3000)]


def test_a_key_that_stays_equal_is_written_all_the_same(session: Open) -> None:
    s = session("CREATE TABLE rates (rate numeric PRIMARY KEY)", "INSERT INTO {rates} VALUES (1.0)")
    s("UPDATE {rates} SET rate = 1.00")
    assert not s.commit_conflicts()
    assert s("SELECT rate::text FROM rates") == ["1.00"]


@pytest.mark.parametrize("then", ["balance = 0", "id = id + 10"])
def test_a_few_updates_of_one_table_in_any_mixture(session: Open, then: str) -> None:
    s = session(
        "CREATE TABLE accounts (id int PRIMARY KEY, balance int)",
        "INSERT INTO {accounts} SELECT g, 1 FROM generate_series(1, 6) g",
    )
    for key in (1, 2, 1, 3, 4, 5):
        s("UPDATE {accounts} SET balance = balance + 1 WHERE id = %s", key)
    s(f"UPDATE {{accounts}} SET {then} WHERE id = 1")
    s("DELETE FROM {accounts} WHERE id = 2")
    merged = s("SELECT * FROM {accounts} ORDER BY id")
    assert len(merged) == 5
    assert not s.commit_conflicts()
    assert s("SELECT * FROM accounts ORDER BY id") == merged


def test_identity_generated_and_domain_columns(session: Open) -> None:
    s = session(
        "CREATE DOMAIN positive AS int DEFAULT 3 CHECK (VALUE > 0)",
        "CREATE TABLE items (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " other bigint GENERATED BY DEFAULT AS IDENTITY, p positive, twice int GENERATED ALWAYS AS (p * 2) STORED)",
    )
    assert s("INSERT INTO {items} (p) VALUES (4), (DEFAULT) RETURNING *") == [(1, 1, 4, 8), (2, 2, 3, 6)]
    assert s("UPDATE {items} SET p = 5 WHERE id = 1 RETURNING twice") == [10]
    s("COMMIT")
    assert s("SELECT * FROM items ORDER BY id") == [(1, 1, 5, 10), (2, 2, 3, 6)]
    assert s("INSERT INTO {items} (id, p) OVERRIDING SYSTEM VALUE VALUES (50, 1) RETURNING id") == [50]
    assert s.fails("INSERT INTO {items} (id, p) VALUES (9, 1)").sqlstate == "428C9"
    assert s.fails("UPDATE {items} SET id = 9").sqlstate == "428C9"
    assert s.fails("UPDATE {items} SET twice = 9").sqlstate == "428C9"
    assert s.fails("INSERT INTO {items} (p) VALUES (-1)").sqlstate == "23514"


def test_a_table_of_nothing_but_its_key(session: Open) -> None:
    s = session("CREATE TABLE keys (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
    s("INSERT INTO {keys} DEFAULT VALUES")
    s("COMMIT")
    s("UPDATE {keys} SET id = id")
    s("INSERT INTO {keys} DEFAULT VALUES")
    s("DELETE FROM {keys} WHERE id = 1")
    assert s("SELECT * FROM keys") == [2]


def test_a_not_validated_check_spares_rows_that_are_only_deleted(session: Open) -> None:
    s = session(ITEMS, TWO, "ALTER TABLE items ADD CONSTRAINT big CHECK (n > 1) NOT VALID")
    s.mark("for_update", "items", "id = 1")
    s("DELETE FROM {items} WHERE id = 1")
    assert s.fails("INSERT INTO {items} VALUES (3, 'c', 1)").diag.constraint_name == "big"


def test_copy_into_a_view(session: Open) -> None:
    s = session(ITEMS)
    with s.conn.cursor().copy(f"COPY {s.view('items')} (id, name) FROM STDIN") as copy:
        copy.write("1\ta\n2\tb\n")
    s("COMMIT")
    assert s("SELECT * FROM items ORDER BY id") == [(1, "a", 7), (2, "b", 7)]


def test_a_read_only_transaction_reads(session: Open, engine: Engine) -> None:
    session(ITEMS, TWO)
    reader = engine.connect()
    reader("BEGIN READ ONLY")
    assert reader("SELECT count(*) FROM {items}") == [2]
    error = reader.fails("UPDATE {items} SET n = 0")
    assert error.diag.message_primary == "cannot execute UPDATE in a read-only transaction"


@pytest.mark.parametrize("column", ["v int NOT NULL", "v int GENERATED ALWAYS AS (id + 1) STORED"])
def test_an_overlay_is_looked_up_from_the_first_statement_on(session: Open, column: str) -> None:
    s = session(f"CREATE TABLE t (id int PRIMARY KEY, {column})")
    plan = "\n".join(s("EXPLAIN SELECT * FROM {t}"))
    assert plan.count("t_occ_xid_id_idx") == 2
    assert plan.count("Seq Scan") == 1


def test_rows_are_looked_up_by_values_of_other_tables(session: Open) -> None:
    s = session(
        "CREATE TABLE many (id int PRIMARY KEY, v int)",
        "CREATE TABLE one (id int PRIMARY KEY, many int)",
        "INSERT INTO {many} SELECT g, 0 FROM generate_series(1, 3000) g",
        "INSERT INTO {one} VALUES (1, 5)",
    )
    s("UPDATE {many} SET v = 1 WHERE id = 5")
    change = "UPDATE {many} SET v = v + 1 FROM {one} o WHERE o.id = 1 AND o.many = {many}.id"
    assert "Seq Scan on many" not in "\n".join(s(f"EXPLAIN {change}"))
    s(change)
    assert s("SELECT id, v FROM {many} WHERE v > 0") == [(5, 2)]
