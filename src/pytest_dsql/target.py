"""Where the tests' clusters come from: a stand-in that is started for the run, or a cluster that is there already."""

import os
import re
import uuid
from collections.abc import Mapping
from typing import Any, Final, Protocol

from pytest_dsql import sign_in
from pytest_dsql.cluster import Cluster
from pytest_dsql.link.handle import Handle
from pytest_dsql.link.messages import CreateCluster
from pytest_dsql.retry import retried

TAG: Final = ("pytest-dsql", "throw-away")
"""A cluster that is not the stand-in's is used where it has this tag, and nowhere else."""
_HOST: Final = re.compile(r"(?P<id>[a-z0-9]{26})\.dsql\.(?P<region>[a-z0-9-]+)\.on\.aws")


class TargetError(Exception):
    """There is no such target, or it is not ours to use; the text says what to do."""


class Target(Protocol):
    """Gives clusters to one process's tests. ``environment`` holds the variables that reach its own."""

    environment: Mapping[str, str]

    def empty(self) -> Cluster:
        """Return this process's cluster with nothing in it."""
        ...

    def another(self) -> Cluster:
        """Return a cluster that nothing else of this process uses."""
        ...

    def describe(self) -> str:
        """Return in one line what it is."""
        ...

    def close(self) -> None:
        """Take away what was made."""


class StandIn:
    """A stand-in, by the variables of a cluster of it that is this process's alone."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self._used = False

    @classmethod
    def of_worker(cls, environment: Mapping[str, str]) -> "StandIn":
        """Return one more process's, of a stand-in that others use too."""
        return cls(created(environment))

    def empty(self) -> Cluster:
        """Return this process's cluster with nothing in it."""
        cluster = Cluster(self.environment)
        if self._used:
            cluster.handle.empty()
        self._used = True
        return cluster

    def another(self) -> Cluster:
        """Start one more cluster, which ends with the stand-in."""
        return Cluster(created(self.environment))

    def describe(self) -> str:
        """Return what it is."""
        return "stand-in on this machine"

    def close(self) -> None:
        """Do nothing: the stand-in ends with the run, and all in it."""


def created(environment: Mapping[str, str]) -> dict[str, str]:
    """Start a cluster of the stand-in that the variables reach; return those that reach the cluster."""
    host = Handle(environment["DSQL_CONTROL"], "").ask(CreateCluster())["host"]
    return {**environment, "CLUSTER_ENDPOINT": host, "PGHOST": host}


class GivenCluster:
    """A cluster that is there: each process has one schema in it, and leaves everything else alone."""

    def __init__(self, host: str, environment: Mapping[str, str] = os.environ) -> None:
        """Reach the cluster at ``host``; raise TargetError where it is none of ours."""
        found = _HOST.fullmatch(host)
        if found is None:
            raise TargetError(f"{host!r} is no endpoint of a cluster: they look like <id>.dsql.<region>.on.aws")
        self.host, self.schema = host, f"pytest_dsql_{uuid.uuid4().hex[:12]}"
        carried = {name: value for name, value in environment.items() if name.startswith(("AWS_", "PG"))}
        self.environment: Mapping[str, str] = {
            **carried,
            "AWS_REGION": found["region"],
            "CLUSTER_ENDPOINT": host,
            "PGHOST": host,
            "PGUSER": sign_in.ADMIN,
            "PGDATABASE": sign_in.DATABASE,
            "PGSSLMODE": "verify-full",
        }
        self._check_tag(found["id"])
        self._made = False

    def _check_tag(self, identifier: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            tags = sign_in.client(self.environment, "dsql").get_cluster(identifier=identifier).get("tags", {})
        except (BotoCoreError, ClientError) as error:
            raise TargetError(f"the cluster cannot be looked at: {error}") from None
        if tags.get(TAG[0]) != TAG[1]:
            raise TargetError(f"cluster {identifier} is not to be used: it lacks the tag {TAG[0]}={TAG[1]}")

    def empty(self) -> Cluster:
        """Return the cluster with an empty schema of this process's in the search path, and nothing else in it."""
        self._run(*([f"DROP SCHEMA {self.schema} CASCADE"] if self._made else []), f"CREATE SCHEMA {self.schema}")
        self._made = True
        return Cluster({**self.environment, "PGOPTIONS": f"-c search_path={self.schema}"}, "aws")

    def another(self) -> Cluster:
        """Raise TargetError: there is but one."""
        raise TargetError("a cluster that is there is one cluster; ask for dsql in place of dsql_cluster")

    def describe(self) -> str:
        """Return what it is."""
        elsewhere = f" by {url}" if (url := self.environment.get("AWS_ENDPOINT_URL")) else ""
        return f"cluster {self.host}{elsewhere}"

    def close(self) -> None:
        """Drop the schema that was made."""
        if self._made:
            self._run(f"DROP SCHEMA {self.schema} CASCADE")

    def _run(self, *statements: str) -> None:
        cluster = Cluster(self.environment, "aws")
        admin: Any = cluster.connect()
        try:
            for statement in statements:
                retried(lambda statement=statement: admin.execute(statement))  # type: ignore[misc]
        finally:
            cluster.close()
