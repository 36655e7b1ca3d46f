"""The plugin in projects of a few lines, each run by a pytest of its own, as its users run it."""

import json

import pytest

from tests.fix_projects import Project

RETRIES = """
import psycopg

def made(connection, statement):
    for attempt in range(3):
        try:
            connection.execute(statement)
            return attempt
        except psycopg.errors.SerializationFailure:
            pass
"""
TABLE = 'connection = dsql.connect(); connection.execute("CREATE TABLE t (id int PRIMARY KEY)")'


@pytest.fixture
def run(project: Project) -> Project:
    """Run a test module that has a statement made again at hand."""
    return lambda source, *arguments, **files: project(source, *arguments, retries=RETRIES, **files)


def test_a_forced_conflict_is_retried(run: Project) -> None:
    done = run(f"""
        from retries import made
        def test_it(dsql):
            {TABLE}
            with dsql.conflicts() as fault:
                assert made(connection, "INSERT INTO t VALUES (1)") == 1
            assert fault.times == 1
            assert (dsql.commits.lost, connection.execute("SELECT id FROM t").fetchall()) == (1, [(1,)])
    """)
    done.assert_outcomes(passed=1)


def test_who_forgets_the_retry_is_told_in_a_sentence(run: Project) -> None:
    done = run(f"""
        def test_it(dsql):
            {TABLE}
            with dsql.conflicts():
                connection.execute("INSERT INTO t VALUES (1)")
    """)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["COMMIT lost to another transaction, as the test wanted, and was not made again*"])


def test_a_fault_that_nothing_meets_fails_the_test(run: Project) -> None:
    done = run("""
        def test_it(dsql):
            with dsql.conflicts():
                dsql.connect().execute("SELECT 1")
    """)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*the fault was never met*"])


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("conflicts(table='t', role='admin')", "OC000"),
        ("schema_changed()", "OC001"),
        ("lost_before_commit()", "eof|closed"),
        ("lost_after_commit()", "eof|closed"),
        ("session_expired()", "eof|closed"),
        ("unavailable()", "server unavailable"),
        ("token_expired()", "Signature expired"),
        ("rate_exceeded()", "rate exceeded"),
    ],
)
def test_what_dsql_does_to_an_application(run: Project, fault: str, told: str) -> None:
    done = run(f"""
        import psycopg, pytest, re
        def test_it(dsql):
            {TABLE}
            with dsql.{fault}:
                try:
                    dsql.connect().execute("INSERT INTO t VALUES (1)")
                except psycopg.Error as error:
                    assert re.search({told!r}, str(error))
                else:
                    pytest.fail("nothing happened")
            dsql.connect().execute("INSERT INTO t VALUES (2)")
    """)
    done.assert_outcomes(passed=1)


def test_a_slow_commit_takes_as_long_as_it_says(run: Project) -> None:
    done = run(f"""
        import time
        def test_it(dsql):
            {TABLE}
            with dsql.slow(0.2):
                before = time.monotonic()
                connection.execute("INSERT INTO t VALUES (1)")
                assert time.monotonic() - before >= 0.2
    """)
    done.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("conflicts(table='nonsense')", "there is no table nonsense"),
        ("conflicts(role='nonsense')", "there is no role nonsense"),
        ("conflicts(code='OC999')", "OC999"),
        ("slow(1, at='nonsense')", "there is no nonsense"),
    ],
)
def test_a_fault_that_cannot_be_is_named(run: Project, call: str, told: str) -> None:
    done = run(f"""
        import pytest
        def test_it(dsql):
            with pytest.raises(Exception, match={told!r}), dsql.{call}:
                pass
    """)
    done.assert_outcomes(passed=1)


def test_each_test_has_an_empty_cluster_and_the_sessions_one_is_kept(run: Project) -> None:
    done = run("""
        import pytest
        @pytest.mark.parametrize("number", range(3))
        def test_it(dsql, dsql_cluster, number):
            dsql.connect().execute("CREATE TABLE t (id int)")
            kept = dsql_cluster.connect()
            kept.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
            kept.execute("INSERT INTO kept VALUES (1)")
            assert kept.execute("SELECT count(*) FROM kept").fetchone() == (number + 1,)
    """)
    done.assert_outcomes(passed=3)


def test_workers_share_a_stand_in_and_have_a_cluster_each(run: Project, pytester: pytest.Pytester) -> None:
    done = run(
        """
        import json, os, pathlib, pytest
        @pytest.mark.parametrize("number", range(8))
        def test_it(dsql, number):
            dsql.connect().execute("CREATE TABLE t (id int)")
            told = [dsql.environment["DSQL_CONTROL"], dsql.host, os.environ["PYTEST_XDIST_WORKER"]]
            pathlib.Path(__file__).with_name(f"told{number}").write_text(json.dumps(told))
        """,
        "-n",
        "2",
    )
    done.assert_outcomes(passed=8)
    told = [json.loads(path.read_text()) for path in pytester.path.glob("told*")]
    assert len({control for control, _, _ in told}) == 1
    assert len({host for _, host, _ in told}) == len({worker for _, _, worker in told})


def test_what_a_cluster_looks_like_tells_no_secret(run: Project) -> None:
    done = run("""
        def test_it(dsql):
            assert dsql.environment["AWS_SECRET_ACCESS_KEY"] not in repr(dsql)
    """)
    done.assert_outcomes(passed=1)


def test_the_environment_is_there_before_the_application_is_imported(run: Project) -> None:
    done = run(
        """
        import asyncio, app
        def test_it(dsql):
            assert app.HOST == dsql.host
            assert asyncio.run(app.one(dsql.token())) == 1
        """,
        "--dsql-export",
        app="""
        import asyncpg, os
        HOST = os.environ["CLUSTER_ENDPOINT"]
        async def one(password):
            connection = await asyncpg.connect(password=password)
            try:
                return await connection.fetchval("SELECT 1")
            finally:
                await connection.close()
        """,
    )
    done.assert_outcomes(passed=1)


def test_the_environment_is_there_before_another_plugin_imports_the_application(run: Project) -> None:
    done = run(
        """
        import settings
        def test_it(dsql):
            assert settings.HOST == dsql.host
        """,
        "--dsql-export",
        *("-p", "early"),
        early="""
        import pytest
        @pytest.hookimpl(tryfirst=True)
        def pytest_load_initial_conftests():
            import settings
        """,
        settings="""
        import os
        HOST = os.environ["CLUSTER_ENDPOINT"]
        """,
    )
    done.assert_outcomes(passed=1)


def test_where_nobody_asks_nothing_is_loaded_and_nothing_said(run: Project) -> None:
    done = run("""
        import os, sys
        def test_it():
            assert not {"boto3", "psycopg", "pytest_dsql.link.process", "pytest_dsql.target"} & {*sys.modules}
            assert "CLUSTER_ENDPOINT" not in os.environ
    """)
    done.assert_outcomes(passed=1)
    done.stdout.no_fnmatch_line("*dsql:*")


def test_a_url_and_an_environment_reach_it(run: Project) -> None:
    done = run("""
        import os, psycopg, subprocess, sys
        PROGRAM = "import psycopg; print(psycopg.connect().execute('SELECT 1').fetchone()[0])"
        def test_it(dsql):
            with psycopg.connect(dsql.url) as connection:
                assert connection.execute("SELECT current_user").fetchone() == ("admin",)
            environment = {**os.environ, **dsql.environment, "PGPASSWORD": dsql.token()}
            assert subprocess.check_output([sys.executable, "-c", PROGRAM], env=environment) == b"1\\n"
    """)
    done.assert_outcomes(passed=1)
