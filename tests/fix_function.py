"""The function as Lambda runs it: its environment, its warm connection, its invocations."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fix_bank import Bank
from tests.fix_front import HOST, Front

if TYPE_CHECKING:
    import trustme


@dataclass
class Context:
    """Lambda's context object: how much time is left, in ms."""

    remaining: int = 30_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining


@pytest.fixture(autouse=True)
def clean_environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials, profile or libpq setting of the developer reaches a unit test."""
    if request.node.get_closest_marker("unit") is None:
        return
    for name in os.environ:
        if name.startswith(("AWS_", "PG", "CLUSTER_", "DATABASE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture
def environment(
    front: Front, authority: "tuple[trustme.CA, Path]", monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """The function's variables, and libpq's for the way to the front."""
    variables = {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "CLUSTER_ENDPOINT": HOST,
        "DATABASE_USER": "myapp",
        "PGHOSTADDR": "127.0.0.1",
        "PGPORT": str(front.port),
        "PGSSLROOTCERT": str(authority[1]),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def run_handler(environment: pytest.MonkeyPatch, bank: Bank) -> Iterator[Callable[..., Any]]:
    """Run a handler by name, warm: ``run_handler("transfer", payer_id=1, payee_id=2, amount=10)``."""
    from transfer import connection, handlers

    environment.setattr(handlers, "warm", connection.WarmConnection())

    def run_handler(handler: str, *, remaining: int = 30_000, **event: object) -> Any:
        return getattr(handlers, handler)(event, Context(remaining))

    yield run_handler
    handlers.warm.close()
