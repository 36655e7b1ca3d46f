from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import trustme
from botocore.exceptions import NoCredentialsError
from psycopg.pq import TransactionStatus

from tests.fix_bank import Bank
from tests.fix_front import HOST, Front
from transfer.connection import RETIRE_AFTER_S, Endpoint, WarmConnection, connect, token
from transfer.dsql import SESSION_LIMIT_S
from transfer.errors import ConfigurationError


def action(token: str) -> str:
    return parse_qs(urlsplit(f"https://{token}").query)["Action"][0]


@pytest.mark.parametrize(("user", "expected"), [("admin", "DbConnectAdmin"), ("myapp", "DbConnect")])
def test_the_token_carries_the_users_action(environment: pytest.MonkeyPatch, user: str, expected: str) -> None:
    signed = token(Endpoint(HOST, user, "us-east-1"))
    assert signed.startswith(f"{HOST}/?")
    assert action(signed) == expected


def test_without_credentials_there_is_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    with pytest.raises(NoCredentialsError):
        token(Endpoint(HOST, "admin", "eu-west-1"))


def test_the_endpoint_comes_from_the_environment() -> None:
    environ = {"CLUSTER_ENDPOINT": HOST, "DATABASE_USER": "myapp", "AWS_DEFAULT_REGION": "eu-west-1"}
    assert Endpoint.from_environment(environ) == Endpoint(HOST, "myapp", "eu-west-1")
    assert Endpoint.from_environment({**environ, "AWS_REGION": "us-east-1"}).region == "us-east-1"


@pytest.mark.parametrize("name", ["CLUSTER_ENDPOINT", "DATABASE_USER", "AWS_REGION"])
def test_a_variable_that_is_not_set_is_named(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "")
    with pytest.raises(ConfigurationError, match=name):
        connect()


def test_it_signs_in_with_user_and_token(environment: pytest.MonkeyPatch, front: Front) -> None:
    with connect() as connection:
        assert connection.autocommit
    [(user, password)] = front.logins
    assert (user, action(password)) == ("myapp", "DbConnect")


def test_a_certificate_of_another_authority_is_refused(environment: pytest.MonkeyPatch, front: Front) -> None:
    environment.delenv("PGSSLROOTCERT")
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        connect()
    assert front.logins == []


def test_a_certificate_for_another_host_is_refused(
    environment: pytest.MonkeyPatch, database: str, authority: tuple[trustme.CA, Any]
) -> None:
    other = Front(database, authority[0].issue_cert(f"other.{HOST}"))
    environment.setenv("PGPORT", str(other.port))
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        connect()
    other.close()


def test_libpqs_environment_has_the_last_word_on_tls(environment: pytest.MonkeyPatch, front: Front) -> None:
    environment.setenv("PGSSLMODE", "require")
    environment.setenv("PGSSLROOTCERT", "")
    with connect():
        assert len(front.logins) == 1


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def warm(environment: pytest.MonkeyPatch, clock: Clock, request: pytest.FixtureRequest) -> WarmConnection:
    warm = WarmConnection(clock=clock, uniform=lambda _, longest: longest / 2)
    request.addfinalizer(warm.close)
    return warm


def pid(warm: WarmConnection) -> int:
    """Process id of the server behind the next session."""
    with warm.session() as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row
    return int(row[0])


def test_a_warm_function_keeps_its_connection(warm: WarmConnection, front: Front) -> None:
    assert pid(warm) == pid(warm)
    assert len(front.logins) == 1


def test_a_connection_that_the_server_ended_is_replaced(warm: WarmConnection, bank: Bank) -> None:
    first = pid(warm)
    bank.terminate(first)
    assert pid(warm) != first


def test_a_connection_that_the_network_ended_is_replaced(warm: WarmConnection, front: Front) -> None:
    first = pid(warm)
    front.hang_up()
    assert pid(warm) != first


def test_a_connection_closed_by_an_invocation_is_replaced(warm: WarmConnection) -> None:
    first = pid(warm)
    with warm.session() as connection:
        connection.close()
    assert pid(warm) != first


def test_a_connection_is_retired_before_the_service_would_end_it(warm: WarmConnection, clock: Clock) -> None:
    first = pid(warm)
    clock.now += RETIRE_AFTER_S - 300 - 1
    assert pid(warm) == first
    clock.now += 1
    assert pid(warm) != first


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_it_retires_well_within_the_service_limit(environment: pytest.MonkeyPatch, clock: Clock, jitter: float) -> None:
    warm = WarmConnection(clock=clock, uniform=lambda shortest, longest: shortest + jitter * (longest - shortest))
    first = pid(warm)
    clock.now += SESSION_LIMIT_S - 300
    assert pid(warm) != first
    warm.close()


def test_no_transaction_is_left_open(warm: WarmConnection, bank: Bank) -> None:
    with warm.session() as connection:
        connection.execute("BEGIN")
        connection.execute("UPDATE accounts SET balance = 0")
    assert bank.balances() == {1: 100, 2: 100}
    with warm.session() as connection:
        assert connection.info.transaction_status is TransactionStatus.IDLE


def test_an_error_leaves_no_transaction_open_either(warm: WarmConnection, bank: Bank) -> None:
    def invocation() -> None:
        with warm.session() as connection:
            connection.execute("BEGIN")
            connection.execute("UPDATE accounts SET balance = 0")
            raise KeyError("a bug")

    with pytest.raises(KeyError):
        invocation()
    assert bank.balances() == {1: 100, 2: 100}


def test_a_connection_that_cannot_be_opened_is_tried_again(environment: pytest.MonkeyPatch, front: Front) -> None:
    outcomes: list[Callable[[], psycopg.Connection]] = [connect]

    def sometimes() -> psycopg.Connection:
        if outcomes:
            outcomes.pop()
            raise psycopg.OperationalError("refused")
        return connect()

    warm = WarmConnection(sometimes)
    with pytest.raises(psycopg.OperationalError, match="refused"), warm.session():
        pass
    assert pid(warm)
    warm.close()
