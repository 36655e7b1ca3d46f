"""How a client signs in to a cluster: libpq's settings and an IAM token."""

import functools
from collections.abc import Mapping
from typing import Any, Final

ADMIN: Final = "admin"
DATABASE: Final = "postgres"
CONNECT_TIMEOUT_S: Final = 15
TOKEN_LIFE_S: Final = 900
_REACH: Final = {"PGHOSTADDR": "hostaddr", "PGPORT": "port", "PGSSLROOTCERT": "sslrootcert", "PGOPTIONS": "options"}
_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_NOWHERE: Final = "http://127.0.0.1:9"
"""For clients of a stand-in without a control plane: they sign tokens, and never reach AWS by mistake."""


def signed(client: Any, host: str, region: str, user: str = ADMIN, life_s: int = TOKEN_LIFE_S) -> str:
    """Sign a token with the credentials of ``client``, boto3's for ``dsql``; nothing is said to AWS."""
    sign = client.generate_db_connect_admin_auth_token if user == ADMIN else client.generate_db_connect_auth_token
    return str(sign(host, region, life_s))


def settings(environment: Mapping[str, str], host: str, user: str = ADMIN) -> dict[str, Any]:
    """Return libpq's settings without the password, by a target's variables: ``verify-full`` on either one."""
    from botocore.httpsession import DEFAULT_CA_BUNDLE

    reach = {name: environment[key] for key, name in _REACH.items() if key in environment}
    fixed = {"host": host, "dbname": DATABASE, "user": user, "sslmode": "verify-full"}
    return {"sslrootcert": DEFAULT_CA_BUNDLE, "connect_timeout": CONNECT_TIMEOUT_S, **fixed, **reach}


def client(environment: Mapping[str, str], service: str) -> Any:
    """Return boto3's client of a service, by a target's variables; equal ones are one and the same."""
    keys = tuple(environment.get(name) for name in _KEYS)
    endpoint = environment.get("AWS_ENDPOINT_URL") or (_NOWHERE if "DSQL_CONTROL" in environment else None)
    return _client(service, environment["AWS_REGION"], endpoint, keys)


@functools.cache
def _client(service: str, region: str, endpoint: str | None, keys: tuple[str | None, ...]) -> Any:
    import boto3

    return boto3.Session(*keys, region_name=region).client(service, endpoint_url=endpoint)
