"""A cluster of Aurora DSQL to test, and connections to it with IAM tokens."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from infra.cloud import Cloud
from pytest_dsql.cluster import Cluster as UsersCluster
from pytest_dsql.link.handle import Handle
from pytest_dsql.retry import retried
from pytest_dsql.target import created
from tests.fix_workers import in_turn


class Cluster(UsersCluster):
    """A cluster as its clients see it, with what these tests do to it besides."""

    @property
    def identifier(self) -> str:
        return self.host.partition(".")[0]

    @contextmanager
    def schema(self, connection: psycopg.Connection[Any]) -> Iterator[str]:
        """Create a schema, and drop it with all that is in it."""
        name = f"t_{uuid.uuid4().hex[:16]}"
        change(connection, f"CREATE SCHEMA {name}")
        try:
            yield name
        finally:
            connection.rollback()
            change(connection, f"DROP SCHEMA {name} CASCADE")


def change(connection: psycopg.Connection[Any], statement: str) -> None:
    """Run a schema change or a set-up statement, again where it lost to another (40001)."""
    retried(lambda: connection.execute(sql.SQL(statement)))


def pytest_itemcollected(item: pytest.Item) -> None:
    """On AWS the cluster is the stack's, and a schema change of one test costs every other one an OC001."""
    if item.config.option.target == "aws" and "own_cluster" in getattr(item, "fixturenames", ()):
        in_turn(item, "stack")


@pytest.fixture(scope="session")
def own_cluster(cloud: Cloud, request: pytest.FixtureRequest) -> Cluster:
    """This worker's cluster: on the stand-in one of its own, on AWS CLUSTER_ENDPOINT or the stack's."""
    if cloud.target == "local":
        return Cluster(created(cloud.environment))
    host = os.environ.get("CLUSTER_ENDPOINT") or request.getfixturevalue("deployed_endpoint")
    return Cluster({**cloud.environment, "CLUSTER_ENDPOINT": host, "PGHOST": host}, cloud.target)


@pytest.fixture
def cluster(own_cluster: Cluster) -> Iterator[Cluster]:
    """A cluster; the connections that the test opens are closed at its end."""
    cluster = replace(own_cluster)
    yield cluster
    cluster.close()


@pytest.fixture
def handle(cluster: Cluster) -> Handle:
    """Faults and limits of the stand-in; a test that needs them has nothing to do on AWS."""
    if cluster.target != "local":
        pytest.skip("faults and limits can be set on the stand-in alone")
    return Handle.of(cluster.environment, cluster.host)


@pytest.fixture
def schema(cluster: Cluster) -> Iterator[str]:
    """An empty schema, first in the search path of ``session``'s connections."""
    with cluster.schema(cluster.connect()) as name:
        yield name


@pytest.fixture
def session(cluster: Cluster, schema: str) -> Callable[[], psycopg.Connection[Any]]:
    """Open a session of admin whose search path is the test's schema alone."""
    return lambda: cluster.connect(options=f"-c search_path={schema}")
