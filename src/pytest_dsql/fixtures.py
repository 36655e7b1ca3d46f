"""The fixtures. None is automatic, and none changes the process's environment."""

from typing import TYPE_CHECKING

import pytest

from pytest_dsql.run import NoTarget, target_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_dsql.cluster import Cluster
    from pytest_dsql.target import Target


@pytest.fixture
def dsql(pytestconfig: pytest.Config) -> "Iterator[Cluster]":
    """A cluster with nothing in it, for this test alone; its connections end with the test."""
    cluster = _target(pytestconfig).empty()
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def dsql_cluster(pytestconfig: pytest.Config) -> "Iterator[Cluster]":
    """A cluster for all tests of this process, for who loads it once; nobody empties it."""
    cluster = _target(pytestconfig).another()
    yield cluster
    cluster.close()


def _target(config: pytest.Config) -> "Target":
    try:
        return target_of(config)
    except NoTarget as error:
        pytest.fail(str(error), pytrace=False)
