"""PL/pgSQL: functions, procedures, CALL and DO, under the rules that hold outside of them."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql

from tests.fix_cluster import change
from tests.fix_sessions import IDLE, Session, Stage

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v int)"
SEED = "INSERT INTO t VALUES (1, 1), (2, 2)"


@pytest.fixture
def session(stage: Stage) -> Session:
    """A session, and a table with two rows."""
    return stage.set_up(TABLE, SEED)


def do(session: Session, body: str) -> None:
    """Run a block; percent signs are its own."""
    session.connection.execute(sql.SQL("DO $do$ {} $do$").format(sql.SQL(body)))


def refused(session: Session, body: str) -> tuple[str | None, str | None]:
    with pytest.raises(psycopg.Error) as caught:
        do(session, body)
    return caught.value.sqlstate, caught.value.diag.message_primary


def define(session: Session, head: str, body: str) -> None:
    change(session.connection, f"CREATE {head} LANGUAGE plpgsql AS $f$ {body} $f$")


# Functions


def test_a_function_writes_and_reads_what_it_wrote(session: Session) -> None:
    body = """DECLARE r t%ROWTYPE; n t.v%TYPE := (SELECT count(*) FROM t);
              BEGIN INSERT INTO t VALUES (k, n) RETURNING * INTO r; RETURN r.v + (SELECT count(*) FROM t); END"""
    define(session, "FUNCTION add(k int) RETURNS bigint", body)
    assert session("SELECT add(3)") == [5]
    session.begin()
    assert session("SELECT add(4)") == [7]
    session("ROLLBACK")
    assert session("SELECT count(*) FROM t") == [3]


def test_a_function_returns_rows_of_a_table(session: Session) -> None:
    define(session, "FUNCTION all_() RETURNS SETOF t", "BEGIN RETURN QUERY SELECT * FROM t ORDER BY id; END")
    assert session("SELECT * FROM all_()") == [(1, 1), (2, 2)]
    session("ALTER TABLE t ADD COLUMN w text")
    session("ALTER TABLE t DROP COLUMN v")
    assert session("SELECT * FROM all_()") == [(1, None), (2, None)]


def test_loops_change_what_they_read(session: Session) -> None:
    do(
        session,
        """DECLARE r record; BEGIN
             FOR r IN SELECT * FROM t LOOP UPDATE t SET v = r.v * 10 WHERE id = r.id; END LOOP; END""",
    )
    assert session("SELECT v FROM t ORDER BY id") == [10, 20]


def test_an_upsert_sets_found_and_counts(session: Session) -> None:
    body = """BEGIN INSERT INTO t VALUES (k, 1) ON CONFLICT (id) DO NOTHING;
              GET DIAGNOSTICS n = ROW_COUNT; f := FOUND; END"""
    define(session, "FUNCTION up(k int, OUT f boolean, OUT n int)", body)
    assert session("SELECT * FROM up(3)") == [(True, 1)]
    assert session("SELECT * FROM up(3)") == [(False, 0)]


def test_variables_may_be_named_like_columns(session: Session) -> None:
    do(
        session,
        """DECLARE q record; m record; v int := 6; BEGIN
             INSERT INTO t VALUES (1, 7), (3, v) ON CONFLICT (id) DO UPDATE SET v = excluded.v; END""",
    )
    assert session("SELECT * FROM t ORDER BY id") == [(1, 7), (2, 2), (3, 6)]


def test_a_body_sees_the_clusters_settings(session: Session) -> None:
    define(
        session, "FUNCTION f(OUT n text, OUT m text)", "BEGIN SHOW server_version INTO n; SELECT version() INTO m; END"
    )
    assert session("SELECT * FROM f()") == [("16.15", "PostgreSQL 16")]


def test_an_error_may_be_caught(session: Session) -> None:
    do(session, """BEGIN UPDATE t SET v = 9 WHERE id = 1;
        BEGIN INSERT INTO t VALUES (3, 3); INSERT INTO t VALUES (1, 1);
        EXCEPTION WHEN unique_violation THEN INSERT INTO t VALUES (4, 4); END; END""")  # fmt: skip
    assert session("SELECT * FROM t ORDER BY id") == [(1, 9), (2, 2), (4, 4)]


def test_a_name_is_looked_up_when_the_function_runs(session: Session) -> None:
    define(session, "FUNCTION size() RETURNS bigint", "BEGIN RETURN (SELECT count(*) FROM later); END")
    assert session.refused("SELECT size()") == "42P01"
    session("CREATE TABLE later (id int PRIMARY KEY)")
    assert session("SELECT size()") == [0]
    session("DROP TABLE later")
    session("ALTER TABLE t RENAME TO later")
    assert session("SELECT size()") == [2]
    session("DROP TABLE later")
    session("CREATE VIEW later AS SELECT 1")
    assert session("SELECT size()") == [1]


def test_text_is_run_as_a_statement_would_be(session: Session) -> None:
    do(
        session,
        "BEGIN EXECUTE format('INSERT INTO %I VALUES ($1, 3) ON CONFLICT (id) DO UPDATE SET v = 30', 't') USING 2; END",
    )
    do(
        session,
        """DECLARE n int; BEGIN
             EXECUTE 'SELECT v FROM ' || 't' || ' WHERE id = 2' INTO n; UPDATE t SET v = n WHERE id = 1; END""",
    )
    assert session("SELECT v FROM t ORDER BY id") == [30, 30]
    assert refused(session, "BEGIN EXECUTE 'TRUNCATE t'; END") == ("0A000", "unsupported statement: Truncate")
    define(session, "FUNCTION f() RETURNS SETOF int", "BEGIN RETURN QUERY EXECUTE 'SELECT lastval()'; END")
    assert session.fails("SELECT f()").diag.message_primary == "function lastval not supported"


def test_what_was_written_is_shown(session: Session) -> None:
    body = "BEGIN INSERT INTO t VALUES (3, 3) ON CONFLICT DO NOTHING; END"
    define(session, "PROCEDURE p()", body)
    assert session("SELECT prosrc FROM pg_proc WHERE proname = 'p'") == [f" {body} "]
    assert session("SELECT routine_definition FROM information_schema.routines WHERE routine_name = 'p'") == [
        f" {body} "
    ]
    (definition,) = session("SELECT pg_get_functiondef('p'::regproc)")
    assert f"AS $procedure$ {body} $procedure$" in definition


# Procedures


def test_a_procedure_commits_and_rolls_back(session: Session) -> None:
    define(session, "PROCEDURE p()", """BEGIN INSERT INTO t VALUES (3, 3); COMMIT;
        INSERT INTO t VALUES (4, 4); ROLLBACK; INSERT INTO t VALUES (5, 5); END""")  # fmt: skip
    session("CALL p()")
    assert (session.tag, session("SELECT id FROM t ORDER BY id")) == ("CALL", [1, 2, 3, 5])
    session("DELETE FROM t WHERE id > 2")
    session("BEGIN")
    assert session.refused("CALL p()") == "2D000"
    session("ROLLBACK")


def test_a_procedure_gives_what_it_is_asked_for(session: Session) -> None:
    define(session, "PROCEDURE most(INOUT n int)", "BEGIN SELECT max(v) + n INTO n FROM t; END")
    assert session("CALL most(40)") == [42]


MEETS = (
    """PERFORM setval('turn', 2); WHILE (SELECT last_value FROM turn) <> 3 LOOP PERFORM pg_sleep(0.001); END LOOP;"""
)
"""Lets the other go first; a sequence is seen by all at once, whatever their snapshots."""


@pytest.fixture
def other(session: Session, stage: Stage) -> Session:
    """Another session, and the sequence by which the two take turns."""
    session("CREATE SEQUENCE turn CACHE 1")
    return stage.open()


def lost(session: Session, call: str, *, extended: bool) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        session.connection.execute(sql.SQL(call), binary=extended)
    return caught.value


def meanwhile(session: Session, other: Session, call: str, change_: str, *, extended: bool = False) -> psycopg.Error:
    """Run a call, and in its midst a change of another session; return how the call fails."""
    with ThreadPoolExecutor(1) as pool:
        failing = pool.submit(lost, session, call, extended=extended)
        while other("SELECT last_value FROM turn") != [2]:
            assert not failing.done(), failing.result()
        other(change_)
        other("SELECT setval('turn', 3)")
        return failing.result(10)


CONFLICT = "change conflicts with another transaction (OC000)"


def test_a_commit_within_loses_to_another(session: Session, other: Session) -> None:
    one, two = ("UPDATE t SET v = v + 1 WHERE id = 1; COMMIT;", "UPDATE t SET v = v + 1 WHERE id = 2;")
    define(session, "PROCEDURE p()", f"BEGIN {one} {two} {MEETS} COMMIT; END")
    error = meanwhile(session, other, "CALL p()", "UPDATE t SET v = 10 WHERE id = 2")
    assert (error.sqlstate, error.diag.message_primary) == ("40001", CONFLICT)
    assert other("SELECT v FROM t ORDER BY id") == [2, 10]


CALLS = {"CALL p()": "PROCEDURE p()", "SELECT f()": "FUNCTION f() RETURNS void"}
BODY = f"BEGIN UPDATE t SET v = v + 1; {MEETS} END"


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_loses_is_not_reported_as_done(
    session: Session, other: Session, call: str, *, extended: bool
) -> None:
    define(session, CALLS[call], BODY)
    error = meanwhile(session, other, call, "UPDATE t SET v = 7", extended=extended)
    assert (error.sqlstate, error.diag.message_primary) == ("40001", CONFLICT)
    assert session.status == IDLE
    assert other("SELECT v FROM t") == [7, 7]


@pytest.mark.parametrize("extended", [False, True])
def test_a_block_that_loses_is_not_reported_as_done(session: Session, other: Session, *, extended: bool) -> None:
    error = meanwhile(session, other, f"DO $$ {BODY} $$", "UPDATE t SET v = 7", extended=extended)
    assert error.sqlstate == "40001"
    assert other("SELECT v FROM t") == [7, 7]


def test_a_transaction_of_calls_loses_at_its_commit(session: Session, stage: Stage) -> None:
    define(session, "FUNCTION f() RETURNS void", "BEGIN UPDATE t SET v = v + 1; END")
    session.begin()("SELECT f()")
    stage.open()("UPDATE t SET v = 7")
    assert session.loses()


# Rules


def test_rows_are_counted_in_each_transaction(session: Session) -> None:
    fill = "INSERT INTO t SELECT n, 0 FROM generate_series({}, {}) n;"
    do(session, f"BEGIN {fill.format(10, 2500)} COMMIT; {fill.format(3000, 5500)} END")
    assert refused(session, f"BEGIN {fill.format(10000, 12000)} {fill.format(20000, 21500)} END") == (
        "54000",
        "transaction row limit exceeded",
    )


REFUSED = {
    "TRUNCATE t": "unsupported statement: Truncate",
    "CREATE TEMP TABLE x (id int)": "TEMPORARY or TEMP table not supported for CREATE TABLE",
    "CREATE INDEX i ON t (v)": "unsupported mode. please use CREATE INDEX ASYNC.",
    "SAVEPOINT s": "unsupported transaction statement: SAVEPOINT",
    "SET work_mem = '1MB'": 'setting configuration parameter "work_mem" not supported',
    "LOCK TABLE t": "unsupported statement: Lock",
    "PERFORM pg_advisory_xact_lock(1)": "function pg_advisory_xact_lock not supported",
    "IF pg_try_advisory_lock(1) THEN END IF": "function pg_try_advisory_lock not supported",
    "PERFORM FROM t FOR SHARE": "locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported",
    "CREATE TABLE x (id int PRIMARY KEY); INSERT INTO t VALUES (3, 3)": (
        "ddl and dml are not supported in the same transaction"
    ),
    "INSERT INTO t VALUES (3, 3); CREATE TABLE x (id int PRIMARY KEY)": (
        "ddl and dml are not supported in the same transaction"
    ),
    "CREATE TABLE x (id int PRIMARY KEY); EXECUTE 'CREATE TABLE y (id int PRIMARY KEY)'": (
        "multiple ddl statements not supported in a transaction"
    ),
}


@pytest.mark.parametrize("statement", REFUSED)
def test_a_body_is_refused_what_is_refused_outside(session: Session, statement: str) -> None:
    assert refused(session, f"BEGIN {statement}; END") == ("0A000", REFUSED[statement])
    assert session("SELECT * FROM t ORDER BY id") == [(1, 1), (2, 2)]


def test_a_refusal_comes_when_its_statement_runs(session: Session) -> None:
    do(session, "BEGIN IF false THEN TRUNCATE t; END IF; UPDATE t SET v = 5; END")
    assert session("SELECT v FROM t") == [5, 5]


def test_ddl_of_a_body_is_seen_by_all(session: Session, stage: Stage) -> None:
    do(session, "BEGIN CREATE TABLE x (id int PRIMARY KEY, n numeric); COMMIT; INSERT INTO x VALUES (1, 1); END")
    assert stage.open()("SELECT n::text FROM x") == ["1.000000"]
    session.retried("UPDATE x SET n = 2")


def test_ddl_of_a_body_that_is_rolled_back_is_no_news(session: Session, stage: Stage) -> None:
    other = stage.open()
    other("SELECT v FROM t")
    session("BEGIN")
    do(session, "BEGIN CREATE TABLE x (id int PRIMARY KEY); END")
    session("ROLLBACK")
    assert other("SELECT count(*) FROM t") == [2]
    do(session, "BEGIN CREATE TABLE x (id int PRIMARY KEY); END")
    assert other.refused("SELECT count(*) FROM t") == "40001"


def test_rules_hold_across_calls(session: Session) -> None:
    define(session, "FUNCTION f() RETURNS void", "BEGIN UPDATE t SET v = 0; END")
    define(session, "FUNCTION g() RETURNS void", "BEGIN CREATE TABLE x (id int PRIMARY KEY); END")
    for first, second in (
        ("SELECT f()", "CREATE TABLE y (id int)"),
        ("CREATE TABLE y (id int PRIMARY KEY)", "SELECT f()"),
        ("SELECT g()", "INSERT INTO t VALUES (3, 3)"),
        ("INSERT INTO t VALUES (3, 3)", "SELECT g()"),
        ("SELECT f()", "SELECT g()"),
    ):
        session.begin()(first)
        error = session.fails(second)
        assert error.diag.message_primary == "ddl and dml are not supported in the same transaction"
        session("ROLLBACK")


@pytest.mark.parametrize("call", ["CALL p()", "SELECT outer_()", "DO $$ BEGIN PERFORM FROM t; END $$"])
def test_a_call_meets_a_schema_change_of_others(session: Session, stage: Stage, call: str) -> None:
    define(session, "PROCEDURE p()", "BEGIN PERFORM FROM t; END")
    define(session, "FUNCTION inner_() RETURNS bigint", "BEGIN RETURN (SELECT count(*) FROM t); END")
    define(session, "FUNCTION outer_() RETURNS bigint", "BEGIN RETURN inner_(); END")
    session(call)
    stage.open()("ALTER TABLE t ADD COLUMN w int")
    error = session.fails(call)
    assert (error.sqlstate, "(OC001)" in str(error)) == ("40001", True)
    session(call)


def test_an_index_may_be_built_from_a_body(session: Session) -> None:
    do(session, "BEGIN CREATE INDEX ASYNC by_v ON t (v); END")
    (job,) = session("SELECT job_id FROM sys.jobs WHERE job_type = 'INDEX_BUILD' ORDER BY start_time DESC LIMIT 1")
    assert session(f"CALL sys.wait_for_job('{job}')") == [True]


def test_a_path_set_in_a_body_is_the_sessions(session: Session) -> None:
    do(session, "BEGIN SET search_path = pg_catalog; END")
    assert session.refused("SELECT * FROM t") == "42P01"


def test_a_procedure_may_be_replaced_moved_and_dropped(session: Session) -> None:
    define(session, "PROCEDURE p()", "BEGIN DELETE FROM t; END")
    define(session, "OR REPLACE PROCEDURE p()", "BEGIN DELETE FROM t WHERE id = 1; END")
    session("ALTER PROCEDURE p RENAME TO q")
    session("CALL q()")
    assert session("SELECT id FROM t") == [2]
    session("DROP PROCEDURE q")
    assert session.refused("CALL q()") == "42883"


def test_functions_are_no_triggers(session: Session) -> None:
    define(session, "FUNCTION f() RETURNS trigger", "BEGIN RETURN NEW; END")
    error = session.fails("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()")
    assert error.diag.message_primary == "CREATE TRIGGER not supported"


def test_an_error_tells_where_in_the_body_it_came(session: Session) -> None:
    define(session, "FUNCTION f() RETURNS void", "BEGIN\n  NULL;\n  INSERT INTO t VALUES (1, 1);\nEND")
    context = session.fails("SELECT f()").diag.context or ""
    assert context.endswith("PL/pgSQL function f() line 3 at SQL statement")
