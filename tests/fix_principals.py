"""IAM principals of the stand-in, their tokens, and tokens that boto3 would not make now."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest.mock import patch

import psycopg
import pytest
from botocore.auth import AUTH_TYPE_MAPS, SigV4QueryAuth

from pytest_dsql import sign_in
from pytest_dsql.link.handle import Handle
from pytest_dsql.link.messages import AddPrincipal
from tests.fix_cluster import Cluster, change

ACCOUNT: Final = "123456789012"
DENIED: Final = "FATAL:  unable to accept connection, access denied"


def policy(action: str = "dsql:DbConnect", resource: str = "*", effect: str = "Allow") -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": effect, "Action": action, "Resource": resource}],
    }


@dataclass(frozen=True)
class Caller:
    """Credentials and the ARN that they are known by."""

    cluster: Cluster
    arn: str
    key: str
    secret: str
    session_token: str | None = None

    def token(self, user: str, host: str = "", region: str = "", action: str = "") -> str:
        """Sign a token: for the cluster and for ``user``'s action unless said otherwise."""
        keys = {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret}
        session = {"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {}
        client = sign_in.client({"AWS_REGION": self.cluster.region, **keys, **session}, "dsql")
        admin = (action or ("DbConnectAdmin" if user == "admin" else "DbConnect")) == "DbConnectAdmin"
        sign = client.generate_db_connect_admin_auth_token if admin else client.generate_db_connect_auth_token
        return str(sign(host or self.cluster.host, region or self.cluster.region))

    def connect(self, user: str, **changed: Any) -> psycopg.Connection[Any]:
        return self.cluster.connect(user, **{"password": self.token(user), **changed})

    def refused(self, user: str, password: str | None = None) -> str:
        """Try to connect, which must fail; return the HINT."""
        with pytest.raises(psycopg.OperationalError) as caught:
            self.connect(user, **({} if password is None else {"password": password}))
        text = str(caught.value)
        assert DENIED in text
        return text.partition("HINT:  ")[2].strip()


@contextmanager
def mapped(admin: psycopg.Connection[Any], role: str, arn: str) -> Iterator[None]:
    """Let ``arn`` sign in as ``role``."""
    change(admin, f"AWS IAM GRANT {role} TO '{arn}'")
    try:
        yield
    finally:
        change(admin, f"AWS IAM REVOKE {role} FROM '{arn}'")


@contextmanager
def earlier(by: timedelta) -> Iterator[None]:
    """Let botocore sign as it would have earlier: in Python, where it would have left it to awscrt."""
    then = patch("botocore.auth.get_current_datetime", lambda **_: datetime.now(UTC).replace(tzinfo=None) - by)
    with then, patch.dict(AUTH_TYPE_MAPS, {"v4-query": SigV4QueryAuth}):
        yield


@pytest.fixture
def caller(cluster: Cluster) -> Caller:
    """Whose credentials the target's are."""
    environment = cluster.environment
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    arn = f"arn:aws:iam::{ACCOUNT}:user/developer"
    if cluster.target == "aws":
        import boto3

        arn = boto3.client("sts", region_name=cluster.region).get_caller_identity()["Arn"]
    key, secret = (environment[name] for name in names)
    return Caller(cluster, arn, key, secret, environment.get("AWS_SESSION_TOKEN"))


@pytest.fixture
def principal(cluster: Cluster, handle: Handle) -> Callable[..., Caller]:
    """Make a principal with these policies."""

    def make(*policies: dict[str, Any], arn: str = "", account: str = ACCOUNT, token: str | None = None) -> Caller:
        name = uuid.uuid4().hex[:16].upper()
        arn = arn or f"arn:aws:iam::{account}:user/{name}"
        made = Caller(cluster, arn, f"AKIA{name}", uuid.uuid4().hex, token)
        known = AddPrincipal(key=made.key, secret=made.secret, token=token, arn=arn, account=account, policies=policies)
        handle.ask(known)
        return made

    return make
