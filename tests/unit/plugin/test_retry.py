"""Steps that lose to another transaction, and errors of clients that say so."""

import psycopg
import pytest
from psycopg.errors import SerializationFailure, UniqueViolation

from pytest_dsql import retry
from pytest_dsql.retry import lost, retried


class Loses:
    """A step that loses so many times."""

    def __init__(self, times: int, error: type[psycopg.Error] = SerializationFailure) -> None:
        self.left, self.error, self.made = times, error, 0

    def __call__(self) -> int:
        self.made += 1
        if self.made <= self.left:
            raise self.error
        return self.made


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PAUSE_S", 0)


@pytest.mark.usefixtures("_at_once")
def test_a_step_that_loses_is_made_again() -> None:
    assert retried(Loses(retry.ATTEMPTS - 1)) == retry.ATTEMPTS


@pytest.mark.usefixtures("_at_once")
def test_a_step_that_always_loses_raises_what_it_raises_last() -> None:
    step = Loses(99)
    with pytest.raises(SerializationFailure):
        retried(step)
    assert step.made == retry.ATTEMPTS


@pytest.mark.usefixtures("_at_once")
def test_any_other_error_is_raised_at_once() -> None:
    step = Loses(1, UniqueViolation)
    with pytest.raises(UniqueViolation):
        retried(step)
    assert step.made == 1


class OfAsyncpg(Exception):
    sqlstate = "40001"


class OfPsycopg2(Exception):
    pgcode = "40001"


class OfSqlalchemy(Exception):
    def __init__(self) -> None:
        self.orig = OfPsycopg2()


def raised_from(cause: Exception) -> Exception:
    error = Exception()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error", [SerializationFailure(), OfAsyncpg(), OfPsycopg2(), OfSqlalchemy(), raised_from(SerializationFailure())]
)
def test_a_lost_transaction_is_known_whatever_client_tells_of_it(error: Exception) -> None:
    assert lost(error)


@pytest.mark.parametrize("error", [UniqueViolation(), ValueError("40001"), raised_from(UniqueViolation())])
def test_any_other_error_is_no_lost_transaction(error: Exception) -> None:
    assert not lost(error)
