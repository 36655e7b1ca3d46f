import psycopg
import pytest
from psycopg import errors

from transfer import occ
from transfer.errors import OutcomeUnknown

LOST = errors.SerializationFailure("change conflicts with another transaction (OC000)")


def wrapped(inner: BaseException, *, explicitly: bool = True) -> BaseException:
    """As an ORM would hand it on: another class, the database's error behind it."""
    try:
        try:
            raise inner
        except BaseException as error:
            if explicitly:
                raise RuntimeError("flush failed") from error
            raise RuntimeError("flush failed")  # noqa: B904
    except RuntimeError as outer:
        return outer


def test_40001_is_a_conflict() -> None:
    assert occ.conflict(LOST) is LOST


@pytest.mark.parametrize("explicitly", [True, False])
def test_a_wrapped_conflict_is_found(explicitly: bool) -> None:
    assert occ.conflict(wrapped(wrapped(LOST), explicitly=explicitly)) is LOST


def test_a_suppressed_context_is_not_looked_at() -> None:
    error = wrapped(LOST, explicitly=False)
    error.__suppress_context__ = True
    assert occ.conflict(error) is None


@pytest.mark.parametrize(
    "error", [errors.DeadlockDetected(), errors.UniqueViolation(), psycopg.OperationalError(), ValueError("40001")]
)
def test_nothing_else_is_a_conflict(error: Exception) -> None:
    assert occ.conflict(error) is None


def test_a_conflict_behind_an_unknown_outcome_is_not_one() -> None:
    unknown = OutcomeUnknown("lost")
    unknown.__cause__ = LOST
    assert occ.conflict(wrapped(unknown)) is None


@pytest.mark.parametrize(
    ("text", "marker"),
    [
        ("change conflicts with another transaction (OC000)", "OC000"),
        ("change conflicts with another transaction, please retry: (OC000)", "OC000"),
        ("schema has been updated by another transaction (OC001)", "OC001"),
        ("could not serialize access due to concurrent update", None),
    ],
)
def test_the_marker_tells_data_from_schema_conflicts(text: str, marker: str | None) -> None:
    assert occ.marker(wrapped(errors.SerializationFailure(text))) == marker


def test_an_error_that_is_no_conflict_has_no_marker() -> None:
    assert occ.marker(ValueError("OC000")) is None
