"""The plugin on a cluster that is there already: what is its own, and nothing else, and no false AWS."""

from collections.abc import Iterator

import psycopg
import pytest

from infra.cloud import Cloud
from pytest_dsql.retry import retried
from pytest_dsql.target import TAG
from tests.fix_cluster import Cluster
from tests.fix_projects import Project

TESTS = """
def test_it(dsql):
    connection = dsql.connect()
    connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
def test_again(dsql):
    dsql.connect().execute("CREATE TABLE t (id int PRIMARY KEY)")
def test_fault(dsql):
    with dsql.conflicts():
        raise AssertionError
def test_orders(dsql):
    dsql.orders(print, print, set_up=[])
"""


@pytest.fixture
def tagged(stand_in: Cloud, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A cluster with the tags that the test is given."""
    client = stand_in.client("dsql")
    tags: dict[str, str] = getattr(request, "param", dict([TAG]))
    made = client.create_cluster(deletionProtectionEnabled=False, tags=tags)
    client.get_waiter("cluster_active").wait(identifier=made["identifier"], WaiterConfig={"Delay": 1})
    host = client.get_cluster(identifier=made["identifier"])["endpoint"]
    yield Cluster({**stand_in.environment, "CLUSTER_ENDPOINT": host, "PGHOST": host})
    client.delete_cluster(identifier=made["identifier"])


def test_it_has_a_schema_of_its_own_and_leaves_nothing(
    tagged: Cluster, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in tagged.environment.items():
        monkeypatch.setenv(name, value)
    with psycopg.connect(**tagged.settings(), autocommit=True) as admin:
        admin.execute("CREATE TABLE t (id int)")
        admin.execute("INSERT INTO t VALUES (1)")
        done = project(TESTS, f"--dsql={tagged.host}", "-rs")
        done.assert_outcomes(passed=2, skipped=2)
        done.stdout.fnmatch_lines(["*SKIPPED*on the stand-in alone*"])
        assert retried(lambda: admin.execute("SELECT id FROM t").fetchall()) == [(1,)]
        assert admin.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'pytest%'").fetchall() == []


@pytest.mark.parametrize("tagged", [{}, {TAG[0]: "keep"}], indirect=True)
def test_a_cluster_that_is_not_thrown_away_is_refused(
    tagged: Cluster, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in tagged.environment.items():
        monkeypatch.setenv(name, value)
    done = project(TESTS, f"--dsql={tagged.host}")
    done.assert_outcomes(errors=4)
    done.stdout.fnmatch_lines(["*is not to be used: it lacks the tag pytest-dsql=throw-away"])


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"DSQL_CONTROL": "/nowhere"}, "*this shell points at a stand-in*"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "*this shell points at a stand-in*"),
        ({}, "*CLUSTER_ENDPOINT, which is not set*"),
    ],
)
def test_a_false_aws_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str
) -> None:
    for name in ("DSQL_CONTROL", "AWS_ENDPOINT_URL", "CLUSTER_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    project(TESTS, "--dsql=aws").stdout.fnmatch_lines([told])


def test_what_is_no_endpoint_is_named(project: Project) -> None:
    project(TESTS, "--dsql=nonsense").stdout.fnmatch_lines(["*'nonsense' is no endpoint of a cluster*"])
