"""What answers and errors mean, unless a workload says otherwise."""

from collections.abc import Callable

import psycopg
import pytest

from pytest_dsql.storm.workload import COMMITTED, REFUSED, UNKNOWN, Meaning, Workload


class SoldOut(Exception):
    """An application's own."""


class OperationalError(Exception):
    """As wrappers name what they make of any driver's error."""


def after(error: Exception, cause: Exception | None) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (psycopg.errors.SerializationFailure("lost (OC000)"), Meaning(REFUSED, "40001")),
        (after(SoldOut(), psycopg.errors.SerializationFailure()), Meaning(REFUSED, "40001")),
        (after(OperationalError(), psycopg.errors.SerializationFailure()), Meaning(REFUSED, "40001")),
        (psycopg.errors.UniqueViolation(), Meaning(REFUSED, "23505")),
        (SoldOut(), Meaning(REFUSED, "SoldOut")),
        (psycopg.OperationalError("closed"), Meaning(UNKNOWN, "OperationalError")),
        (psycopg.errors.AdminShutdown(), Meaning(UNKNOWN, "57P01")),
        (after(OperationalError(), psycopg.OperationalError("closed")), Meaning(UNKNOWN, "OperationalError")),
        (ConnectionResetError(), Meaning(UNKNOWN, "ConnectionResetError")),
        (after(psycopg.OperationalError(), psycopg.errors.SerializationFailure()), Meaning(REFUSED, "40001")),
        (after(SoldOut(), TimeoutError()), Meaning(UNKNOWN, "SoldOut")),
    ],
)
def test_what_an_error_means(error: Exception, meaning: Meaning) -> None:
    assert Workload().raised(None, error) == meaning


def test_an_error_tells_its_retries() -> None:
    error = SoldOut()
    error.retries = 3  # type: ignore[attr-defined]
    assert Workload().raised(None, error) == Meaning(REFUSED, "SoldOut", 3)


@pytest.mark.parametrize(("answer", "retries"), [(None, 0), ([], 0), ({"retries": 2}, 2), ({"retries": None}, 0)])
def test_an_answer_means_committed_and_tells_its_retries(answer: object, retries: int) -> None:
    assert Workload().returned(None, answer) == Meaning(COMMITTED, retries=retries)


@pytest.mark.parametrize("connect", [lambda: psycopg.connect("host=127.0.0.1 port=1", connect_timeout=1)])
def test_drivers_say_by_no_code_that_nobody_answered(connect: Callable[[], object]) -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        connect()
    assert Workload().raised(None, caught.value).outcome is UNKNOWN
