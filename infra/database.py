"""How people and tests sign in to a stack's cluster: libpq's settings and an IAM token."""

from typing import TYPE_CHECKING, Any, Final

from infra.cloud import Cloud
from infra.stack import Outputs, StackError
from pytest_dsql.sign_in import ADMIN, settings, signed

if TYPE_CHECKING:
    import psycopg

APP: Final = "myapp"


class NoCluster(StackError):
    """The stack has no cluster yet."""

    def __init__(self) -> None:
        super().__init__("the stack has no cluster yet; add it with: python -m infra deploy --chapter 1")


def endpoint(outputs: Outputs) -> str:
    """Return the cluster's host name; raise NoCluster."""
    if outputs.cluster_endpoint is None:
        raise NoCluster
    return outputs.cluster_endpoint


def token(cloud: Cloud, host: str, user: str = ADMIN) -> str:
    """Sign a token with the target's credentials; it opens connections for 15 minutes."""
    return signed(cloud.client("dsql"), host, cloud.region, user)


def connect(cloud: Cloud, host: str, user: str = ADMIN) -> "psycopg.Connection[Any]":
    """Open a session in autocommit mode; raise psycopg.OperationalError where it is refused."""
    import psycopg

    return psycopg.connect(
        **settings(cloud.environment, host, user), password=token(cloud, host, user), autocommit=True
    )


def variables(cloud: Cloud, host: str | None) -> dict[str, str]:
    """Return the variables for a person's shell: the target's own, and the cluster's where there is one."""
    if host is None:
        return cloud.environment
    pg = {name: str(value) for name, value in settings(cloud.environment, host).items()}
    return {
        **cloud.environment,
        "CLUSTER_ENDPOINT": host,
        "PGHOST": host,
        "PGUSER": pg["user"],
        "PGDATABASE": pg["dbname"],
        "PGSSLMODE": pg["sslmode"],
        "PGSSLROOTCERT": pg["sslrootcert"],
    }
