"""Foreign keys over merged views: checks, referential actions, and the rows they bring into conflict."""

import pytest

from tests.unit.occ.sessions import Engine, Session

pytestmark = pytest.mark.unit

PARENT = "CREATE TABLE parent (id int PRIMARY KEY, n int)"
CHILD = "CREATE TABLE child (id int PRIMARY KEY, parent int DEFAULT 9 REFERENCES parent {})"
SEED = "INSERT INTO {parent} VALUES (1, 0), (2, 0), (9, 0)"
MISSING = 'insert or update on table "child" violates foreign key constraint "child_parent_fkey"'
REFERENCED = 'update or delete on table "parent" violates foreign key constraint "child_parent_fkey" on table "child"'


def family(engine: Engine, actions: str = "", *more: str) -> tuple[Session, Session]:
    """Parents 1, 2 and 9, child 10 of parent 1, and two open transactions."""
    engine.tables(PARENT, CHILD.replace("{}", actions), SEED, "INSERT INTO {child} VALUES (10, 1)", *more)
    both = engine.connect(), engine.connect()
    for session in both:
        session("BEGIN")
        session("SELECT 1 FROM {parent}")
    return both


@pytest.mark.parametrize("statement", ["INSERT INTO {child} VALUES (11, 7)", "UPDATE {child} SET parent = 7"])
def test_a_child_needs_its_parent(engine: Engine, statement: str) -> None:
    error = family(engine)[0].fails(statement)
    assert (error.sqlstate, error.diag.message_primary) == ("23503", MISSING)
    assert error.diag.message_detail == 'Key (parent)=(7) is not present in table "parent".'
    assert (error.diag.table_name, error.diag.constraint_name) == ("child", "child_parent_fkey")


@pytest.mark.parametrize("action", ["", "ON DELETE RESTRICT ON UPDATE RESTRICT"])
@pytest.mark.parametrize("statement", ["DELETE FROM {parent} WHERE id = 1", "UPDATE {parent} SET id = 5 WHERE id = 1"])
def test_a_referenced_parent_stays(engine: Engine, statement: str, action: str) -> None:
    error = family(engine, action)[0].fails(statement)
    assert (error.sqlstate, error.diag.message_primary) == ("23503", REFERENCED)
    assert error.diag.message_detail == 'Key (id)=(1) is still referenced from table "child".'


def test_columns_may_have_any_name(engine: Engine) -> None:
    names = ("b", "c", "o", "p", "u", "v", "r")
    columns = ", ".join(f"{name} int" for name in names)
    engine.tables(
        f"CREATE TABLE parent (id int PRIMARY KEY, {columns})",
        f"CREATE TABLE child (id int PRIMARY KEY, {columns}, FOREIGN KEY (p) REFERENCES parent INITIALLY DEFERRED)",
    )
    a = engine.connect()
    a("BEGIN")
    a("INSERT INTO {child} (id, p) VALUES (1, 1)")
    a("INSERT INTO {parent} (id) VALUES (1)")
    a("COMMIT")
    a("INSERT INTO {child} (id, p) VALUES (2, 1)")
    a.mark("for_update", "child", "t.p = 1")
    assert a("UPDATE {child} SET v = 1, b = 2 WHERE p = 1 RETURNING o") == [None, None]
    assert a.fails("DELETE FROM {parent}").sqlstate == "23503"


def test_own_writes_count_on_both_sides(engine: Engine) -> None:
    a, _ = family(engine)
    a("INSERT INTO {parent} VALUES (3, 0)")
    a("INSERT INTO {child} VALUES (11, 3), (12, NULL)")
    a("DELETE FROM {child} WHERE id IN (10, 11)")
    a("DELETE FROM {parent} WHERE id IN (1, 3)")
    assert a.fails("INSERT INTO {child} VALUES (13, 1)").sqlstate == "23503"


def test_one_statement_may_write_parent_and_child(engine: Engine) -> None:
    a, _ = family(engine)
    a("WITH p AS (INSERT INTO {parent} VALUES (3, 0) RETURNING id) INSERT INTO {child} SELECT 11, id FROM p")
    a("WITH c AS (INSERT INTO {child} VALUES (12, 4)) INSERT INTO {parent} VALUES (4, 0)")
    a("WITH p AS (DELETE FROM {parent} WHERE id = 1) DELETE FROM {child} WHERE id = 10")
    assert not a.commit_conflicts()
    assert a("SELECT id, parent FROM child ORDER BY id") == [(11, 3), (12, 4)]


@pytest.mark.parametrize(
    ("actions", "statement", "children"),
    [
        ("ON DELETE CASCADE", "DELETE FROM {parent} WHERE id = 1", []),
        ("ON DELETE SET NULL", "DELETE FROM {parent} WHERE id = 1", [(10, None)]),
        ("ON DELETE SET DEFAULT", "DELETE FROM {parent} WHERE id = 1", [(10, 9)]),
        ("ON UPDATE CASCADE", "UPDATE {parent} SET id = 5 WHERE id = 1", [(10, 5)]),
        ("ON UPDATE SET NULL", "UPDATE {parent} SET id = 5 WHERE id = 1", [(10, None)]),
        ("ON UPDATE SET DEFAULT", "UPDATE {parent} SET id = 5 WHERE id = 1", [(10, 9)]),
    ],
)
def test_actions_and_their_conflicts(engine: Engine, actions: str, statement: str, children: list[object]) -> None:
    a, b = family(engine, actions, "ALTER TABLE child ADD note text")
    a(statement)
    assert a("SELECT id, parent FROM {child}") == children
    b("UPDATE {child} SET note = 'mine' WHERE id = 10")
    assert not a.commit_conflicts()
    assert a("SELECT id, parent FROM child") == children
    assert b.commit_conflicts()


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    ("statement", "conflict"),
    [
        ("DELETE FROM {parent} WHERE id = 2", True),
        ("UPDATE {parent} SET id = 7 WHERE id = 2", True),
        ("UPDATE {parent} SET n = 1 WHERE id = 2", False),
        ("INSERT INTO {child} VALUES (12, 2)", False),
    ],
)
def test_a_child_shares_its_parents_key(engine: Engine, statement: str, conflict: bool, first: int) -> None:
    sessions = family(engine)
    sessions[0]("INSERT INTO {child} VALUES (11, 2)")
    sessions[1](statement)
    assert not sessions[first].commit_conflicts()
    assert sessions[1 - first].commit_conflicts() == conflict


def test_a_share_of_the_past_does_not_hinder(engine: Engine) -> None:
    a, b = family(engine)
    a("INSERT INTO {child} VALUES (11, 2)")
    a("COMMIT")
    a("DELETE FROM {child}")
    b("COMMIT")
    b("BEGIN")
    b("DELETE FROM {parent} WHERE id = 2")
    assert not b.commit_conflicts()


def test_a_lost_update_does_not_free_a_parent_of_its_new_child(engine: Engine) -> None:
    a, b = family(engine)
    other = engine.connect()
    a("DELETE FROM {parent} WHERE id = 2")
    b("UPDATE {parent} SET n = n + 1")
    other("INSERT INTO {child} VALUES (11, 2)")
    other("UPDATE {parent} SET n = 9 WHERE id = 1")
    assert b.commit_conflicts()
    assert a.commit_conflicts()
    assert other.fails("DELETE FROM {parent} WHERE id = 2").sqlstate == "23503"
    other("DELETE FROM {child} WHERE id = 11")
    other("DELETE FROM {parent} WHERE id = 2")


def test_children_of_one_parent_do_not_conflict(engine: Engine) -> None:
    sessions = [*family(engine), *(engine.connect() for _ in range(6))]
    for round_ in range(2):
        for number, session in enumerate(sessions):
            if session.conn.info.transaction_status.name == "IDLE":
                session("BEGIN")
            session("SELECT 1 FROM {parent}")
            session(f"INSERT INTO {{child}} VALUES ({100 * round_ + number + 20}, 2)")
        assert [session.commit_conflicts() for session in sessions] == [False] * 8
    a, b = sessions[:2]
    a("UPDATE {parent} SET n = n + 1 WHERE id = 2")
    b("UPDATE {child} SET parent = 1")
    b("DELETE FROM {parent} WHERE id = 2")


def test_deferred_constraints_wait_for_commit(engine: Engine) -> None:
    a, b = family(engine, "DEFERRABLE INITIALLY DEFERRED")
    a("INSERT INTO {child} VALUES (11, 7)")
    a("INSERT INTO {parent} VALUES (7, 0)")
    a("DELETE FROM {parent} WHERE id = 1")
    a("UPDATE {child} SET parent = 7 WHERE id = 10")
    assert not a.commit_conflicts()
    b("DELETE FROM {parent} WHERE id = 2")
    b("INSERT INTO {child} VALUES (12, 2)")
    assert b.fails("COMMIT").sqlstate == "23503"


def test_a_deferrable_constraint_is_deferred_on_demand(engine: Engine) -> None:
    a, b = family(engine, "DEFERRABLE")
    a("SELECT occ.set_constraints(true, '{}')")
    a("INSERT INTO {child} VALUES (11, 7)")
    assert a.fails("SELECT occ.set_constraints(false, '{}')").sqlstate == "23503"
    assert b.fails("INSERT INTO {child} VALUES (11, 7)").sqlstate == "23503"


def test_a_tree_in_one_table(engine: Engine) -> None:
    engine.tables("CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree)")
    s = engine.connect()
    s("INSERT INTO {tree} VALUES (2, 1), (1, NULL), (3, 3)")
    assert s.fails("DELETE FROM {tree} WHERE id = 1").sqlstate == "23503"
    s("DELETE FROM {tree}")
    assert s("SELECT * FROM tree") == []


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_a_tree_goes_as_a_whole(engine: Engine, action: str) -> None:
    engine.tables(f"CREATE TABLE tree (id int PRIMARY KEY, up int DEFAULT 1 REFERENCES tree ON DELETE {action})")
    s = engine.connect()
    s("INSERT INTO {tree} VALUES (2, 1), (1, NULL), (3, 2), (4, 3)")
    assert sorted(s("DELETE FROM {tree} RETURNING id")) == [1, 2, 3, 4]
    assert s.tag == "DELETE 4"
    assert s("SELECT * FROM {tree}") == []


@pytest.mark.parametrize(
    ("action", "left"),
    [
        ("CASCADE", [(1, None)]),
        ("SET NULL", [(1, None), (3, None), (4, 3)]),
        ("SET DEFAULT", [(1, None), (3, 1), (4, 3)]),
    ],
)
def test_a_branch_goes(engine: Engine, action: str, left: list[tuple[int, int | None]]) -> None:
    engine.tables(f"CREATE TABLE tree (id int PRIMARY KEY, up int DEFAULT 1 REFERENCES tree ON DELETE {action})")
    s = engine.connect()
    s("INSERT INTO {tree} VALUES (2, 1), (1, NULL), (3, 2), (4, 3)")
    s("DELETE FROM {tree} WHERE id = 2")
    assert s.tag == "DELETE 1"
    assert s("SELECT * FROM {tree} ORDER BY id") == left


def test_tables_that_refer_to_each_other(engine: Engine) -> None:
    engine.tables(
        "CREATE TABLE parent (id int PRIMARY KEY, key int)",
        "CREATE TABLE child (id int PRIMARY KEY, con int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE)",
        "INSERT INTO {parent} VALUES (1, 20), (2, 10)",
        "INSERT INTO {child} VALUES (10, 1), (20, 2)",
        "ALTER TABLE parent ADD FOREIGN KEY (key) REFERENCES child ON DELETE CASCADE NOT VALID",
    )
    s = engine.connect()
    s("UPDATE {parent} SET id = id + 5")
    assert s("SELECT con FROM {child} ORDER BY id") == [6, 7]
    assert sorted(s("WITH gone AS (DELETE FROM {parent} WHERE id = 6) DELETE FROM {child} RETURNING id")) == [10, 20]
    assert s("SELECT * FROM {parent}") == []


def test_a_tree_is_numbered_anew(engine: Engine) -> None:
    engine.tables("CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON UPDATE CASCADE)")
    s = engine.connect()
    s("INSERT INTO {tree} VALUES (2, 1), (1, NULL), (3, 2)")
    s("UPDATE {tree} SET id = id + 10")
    assert s.tag == "UPDATE 3"
    assert s("SELECT * FROM {tree} ORDER BY id") == [(11, None), (12, 11), (13, 12)]


def test_match_full_refuses_half_a_key(engine: Engine) -> None:
    engine.tables(
        "CREATE TABLE parent (a int, b int, UNIQUE (a, b))",
        "CREATE TABLE child (a int, b int, FOREIGN KEY (a, b) REFERENCES parent (a, b) MATCH FULL)",
        "CREATE TABLE loose (a int, b int, FOREIGN KEY (a, b) REFERENCES parent (a, b))",
    )
    s = engine.connect()
    s("INSERT INTO {loose} VALUES (1, NULL)")
    detail = s.fails("INSERT INTO {child} VALUES (1, NULL)").diag.message_detail
    assert detail == "MATCH FULL does not allow mixing of null and nonnull key values."


def test_not_valid_counts_for_new_rows(engine: Engine) -> None:
    engine.tables(
        PARENT,
        "CREATE TABLE child (id int PRIMARY KEY, parent int)",
        "INSERT INTO {child} VALUES (1, 77)",
        "ALTER TABLE child ADD CONSTRAINT child_parent_fkey FOREIGN KEY (parent) REFERENCES parent NOT VALID",
    )
    s = engine.connect()
    s("UPDATE {child} SET id = 2")
    assert s.fails("INSERT INTO {child} VALUES (3, 78)").diag.message_primary == MISSING
