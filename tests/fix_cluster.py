"""A cluster of Aurora DSQL to test, and connections to it with IAM tokens."""

import functools
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import psycopg
import pytest
from psycopg import sql

from infra.cloud import Cloud
from pytest_dsql import sign_in
from pytest_dsql.link.handle import Handle
from pytest_dsql.link.messages import CreateCluster
from pytest_dsql.retry import retried


@dataclass
class Cluster:
    """A cluster as its clients see it. ``environment`` holds AWS_* and PG* variables."""

    environment: dict[str, str] = field(repr=False)
    target: str
    opened: list[psycopg.Connection] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.environment["CLUSTER_ENDPOINT"]

    @property
    def region(self) -> str:
        return self.environment["AWS_REGION"]

    @property
    def identifier(self) -> str:
        return self.host.partition(".")[0]

    def token(self, user: str = sign_in.ADMIN) -> str:
        """Sign a token with the target's credentials."""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        client = signer(self.region, *map(self.environment.get, names))
        return sign_in.signed(client, self.host, self.region, user)

    def settings(self, user: str = sign_in.ADMIN, **changed: Any) -> dict[str, Any]:
        """What libpq needs to connect: the host's name and TLS stay as they are on AWS."""
        return {**sign_in.settings(self.environment, self.host, user), **changed}

    def connect(self, user: str = sign_in.ADMIN, **changed: Any) -> psycopg.Connection[Any]:
        """Open a session in autocommit mode; it ends with the test."""
        settings = self.settings(user, **changed)
        settings.setdefault("password", self.token(user))
        connection = psycopg.connect(**settings, autocommit=True)
        self.opened.append(connection)
        return connection

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


@functools.cache
def signer(region: str, key: str | None, secret: str | None, session_token: str | None = None) -> Any:
    """Return boto3's ``dsql`` client for these credentials; it signs without a word to AWS."""
    session = boto3.Session(key, secret, session_token, region)
    return session.client("dsql")


def change(connection: psycopg.Connection[Any], statement: str) -> None:
    """Run a schema change or a set-up statement, again where it lost to another (40001)."""
    retried(lambda: connection.execute(sql.SQL(statement)))


@pytest.fixture(scope="session")
def own_cluster(cloud: Cloud, request: pytest.FixtureRequest) -> Cluster:
    """This worker's cluster: on the stand-in one of its own, on AWS CLUSTER_ENDPOINT or the stack's."""
    if cloud.target == "local":
        host = Handle(cloud.environment["DSQL_CONTROL"], "").ask(CreateCluster())["host"]
    else:
        host = os.environ.get("CLUSTER_ENDPOINT") or request.getfixturevalue("deployed_endpoint")
    return Cluster({**cloud.environment, "CLUSTER_ENDPOINT": host, "PGHOST": host}, cloud.target)


@pytest.fixture
def cluster(own_cluster: Cluster) -> Iterator[Cluster]:
    """A cluster; the connections that the test opens are closed at its end."""
    cluster = replace(own_cluster, opened=[])
    yield cluster
    for connection in cluster.opened:
        connection.close()


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
