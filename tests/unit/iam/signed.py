"""Who signs in the tests, and tokens: by boto3 itself, and by hand where boto3 would not make such a one."""

import functools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from pytest_dsql.local.iam import (
    AccessDenied,
    Attempt,
    ClusterIdentity,
    Credentials,
    Document,
    Principal,
    PrincipalTable,
    verify,
)

REGION = "eu-central-1"
ACCOUNT = "111122223333"
CLUSTER = ClusterIdentity("abcdefghijklmnopqrstuvwxyz", REGION, ACCOUNT)
HOST = f"{CLUSTER.identifier}.dsql.{REGION}.on.aws"
ALL = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
USER = Principal(f"arn:aws:iam::{ACCOUNT}:user/ops/ann", ACCOUNT, (ALL,))
SESSION = Principal(f"arn:aws:sts::{ACCOUNT}:assumed-role/pay/one", ACCOUNT, (ALL,))
KEY = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", USER)
TEMPORARY = Credentials(
    "ASIAIOSFODNN7EXAMPLE", "je7MtGbClwBF/2Zp9Utk+h3yCo8nvbEXAMPLEKEY", SESSION, "AQoEXAMPLEH4aoAH0gNCAPy/+JrzlCFW=="
)


@functools.cache
def _client(key_id: str, secret: str, session_token: str | None) -> Any:
    session = boto3.Session(
        aws_access_key_id=key_id, aws_secret_access_key=secret, aws_session_token=session_token, region_name=REGION
    )
    return session.client("dsql")


def token(key: Credentials = KEY, *, user: str = "app", host: str = HOST, region: str = REGION, life: int = 900) -> str:
    """A token as boto3 makes it."""
    client = _client(key.access_key_id, key.secret_access_key, key.session_token)
    kind = "admin_" if user == "admin" else ""
    made: str = getattr(client, f"generate_db_connect_{kind}auth_token")(host, region, ExpiresIn=life)
    return made


def handmade(query: str = "Action=DbConnect", *, service: str = "dsql", life: object = 900) -> str:
    """A token whose signature is right, whatever it says."""
    request = AWSRequest("GET", f"https://{HOST}/?{query}")
    key = ReadOnlyCredentials(KEY.access_key_id, KEY.secret_access_key, None)
    SigV4QueryAuth(key, service, REGION, life).add_auth(request)  # type: ignore[arg-type, unused-ignore]
    return str(request.url).removeprefix("https://")


def accepted(
    password: str,
    key: Credentials = KEY,
    *,
    user: str = "app",
    host: str = HOST,
    now: datetime | None = None,
    cluster: ClusterIdentity = CLUSTER,
    address: str | None = None,
) -> Principal:
    """The principal that the token is found to be of."""
    return verify(password, Attempt(host, user, address), cluster, PrincipalTable([key]), now or datetime.now(UTC))


def hint(password: str, key: Credentials = KEY, **told: Any) -> str:
    """Why the token is refused; an empty text where it is not."""
    try:
        accepted(password, key, **told)
    except AccessDenied as caught:
        denied = caught
    else:
        return ""
    assert (denied.sqlstate, str(denied)) == ("08006", "unable to accept connection, access denied")
    secrets = (key.secret_access_key, key.session_token or "", password[-64:], password)
    assert not [secret for secret in secrets if len(secret) > 16 and secret in f"{denied!r} {denied.hint}"]
    return denied.hint


def holding(*policies: Document, key: Credentials = KEY, **principal: Any) -> Credentials:
    """The key, its principal with these policies."""
    return replace(key, principal=replace(key.principal, policies=policies, **principal))
