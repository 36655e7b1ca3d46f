"""How people and tests sign in to a stack's cluster: libpq's settings and an IAM token."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.httpsession import DEFAULT_CA_BUNDLE

from infra.cloud import Cloud
from infra.stack import Outputs, StackError

if TYPE_CHECKING:
    import psycopg

ADMIN: Final = "admin"
APP: Final = "myapp"
DATABASE: Final = "postgres"
CONNECT_TIMEOUT_S: Final = 15
TOKEN_LIFE_S: Final = 900
_REACH: Final = {"PGHOSTADDR": "hostaddr", "PGPORT": "port", "PGSSLROOTCERT": "sslrootcert"}


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


def signed(client: Any, host: str, region: str, user: str = ADMIN, life_s: int = TOKEN_LIFE_S) -> str:
    """Sign a token with the credentials of ``client``, boto3's for ``dsql``; nothing is said to AWS."""
    sign = client.generate_db_connect_admin_auth_token if user == ADMIN else client.generate_db_connect_auth_token
    return str(sign(host, region, life_s))


def settings(environment: Mapping[str, str], host: str, user: str = ADMIN) -> dict[str, Any]:
    """Return libpq's settings without the password, by a target's variables: ``verify-full`` on either one."""
    reach = {name: environment[key] for key, name in _REACH.items() if key in environment}
    fixed = {"host": host, "dbname": DATABASE, "user": user, "sslmode": "verify-full"}
    return {"sslrootcert": DEFAULT_CA_BUNDLE, "connect_timeout": CONNECT_TIMEOUT_S, **fixed, **reach}


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
