"""A connection to Aurora DSQL with an IAM token, kept between the invocations of a warm function."""

import contextlib
import functools
import os
import random
import select
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self, cast

import boto3
import psycopg
from botocore.httpsession import DEFAULT_CA_BUNDLE
from psycopg.pq import TransactionStatus

from transfer import dsql
from transfer.errors import ConfigurationError

CONNECT_TIMEOUT_S: Final = 10
SILENCE_TIMEOUT_MS: Final = 10_000
"""How long the network may leave sent data unacknowledged: a frozen function's connection can die unnoticed."""
RETIRE_AFTER_S: Final = dsql.SESSION_LIMIT_S - 300
RETIRE_JITTER_S: Final = 600


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect and as whom."""

    host: str
    user: str
    region: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read CLUSTER_ENDPOINT, DATABASE_USER and the region; raise ConfigurationError for what is not set."""
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
        if not region:
            raise ConfigurationError("neither AWS_REGION nor AWS_DEFAULT_REGION is set")
        return cls(_required(environ, "CLUSTER_ENDPOINT"), _required(environ, "DATABASE_USER"), region)


def _required(environ: Mapping[str, str], name: str) -> str:
    if value := environ.get(name):
        return value
    raise ConfigurationError(f"{name} is not set")


class _Signer(Protocol):
    def generate_db_connect_auth_token(self, host: str, region: str) -> str: ...

    def generate_db_connect_admin_auth_token(self, host: str, region: str) -> str: ...


@functools.cache
def _signer(region: str) -> _Signer:
    return cast("_Signer", boto3.client("dsql", region_name=region))


def token(endpoint: Endpoint) -> str:
    """Sign an IAM authentication token: a local computation, valid for new connections for 15 minutes.

    Raises botocore's NoCredentialsError where the environment has no credentials.
    """
    signer = _signer(endpoint.region)
    if endpoint.user == dsql.ADMIN:
        return signer.generate_db_connect_admin_auth_token(endpoint.host, endpoint.region)
    return signer.generate_db_connect_auth_token(endpoint.host, endpoint.region)


def connect(endpoint: Endpoint | None = None) -> psycopg.Connection:
    """Open a connection in autocommit mode; the default endpoint is the environment's.

    TLS is ``verify-full`` against the certificate authorities that boto3 trusts, unless PGSSLMODE or PGSSLROOTCERT
    say otherwise. Raises ConfigurationError, or psycopg.OperationalError where the service refuses.
    """
    endpoint = endpoint or Endpoint.from_environment()
    return psycopg.connect(
        host=endpoint.host,
        dbname=dsql.DATABASE,
        user=endpoint.user,
        password=token(endpoint),
        autocommit=True,
        prepare_threshold=None,
        connect_timeout=CONNECT_TIMEOUT_S,
        tcp_user_timeout=SILENCE_TIMEOUT_MS,
        **_tls(os.environ),
    )


def _tls(environ: Mapping[str, str]) -> dict[str, Any]:
    """Leave out what libpq reads from its own environment: an argument would win over it."""
    defaults = {"sslmode": "verify-full", "sslrootcert": DEFAULT_CA_BUNDLE}
    return {name: value for name, value in defaults.items() if f"PG{name.upper()}" not in environ}


class WarmConnection:
    """One connection that outlives an invocation: checked before each, replaced when broken or old.

    It is retired 45 to 55 minutes after it was opened, at a random moment, so that a fleet of functions does not
    reconnect at once.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection] = connect,
        clock: Callable[[], float] = time.time,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        # Wall-clock time: the monotonic clock may stand still while Lambda has the environment frozen.
        self._connect, self._clock, self._uniform = connect, clock, uniform
        self._connection: psycopg.Connection | None = None
        self._retire_at = 0.0

    @contextlib.contextmanager
    def session(self) -> Iterator[psycopg.Connection]:
        """Lend the connection for one invocation; no transaction is open at its begin, none is left at its end."""
        connection = self._usable() or self._open()
        try:
            yield connection
        finally:
            if connection.info.transaction_status is not TransactionStatus.IDLE:
                self.close()

    def close(self) -> None:
        """Close the connection; the server rolls back whatever was open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _usable(self) -> psycopg.Connection | None:
        if self._connection is not None and (self._clock() >= self._retire_at or _hung_up(self._connection)):
            self.close()
        return self._connection

    def _open(self) -> psycopg.Connection:
        self._connection = self._connect()
        self._retire_at = self._clock() + RETIRE_AFTER_S - self._uniform(0, RETIRE_JITTER_S)
        return self._connection


def _hung_up(connection: psycopg.Connection) -> bool:
    """Whether the server has ended an idle connection: only then is there something to read. No round trip."""
    readable, _, _ = select.select([connection.fileno()], [], [], 0)
    return bool(readable)
