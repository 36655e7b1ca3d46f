from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors

from pytest_dsql.storm.transfers.scenario import ATTEMPTS
from transfer.errors import InsufficientBalance, OutcomeUnknown
from transfer.retry import Retry, RetryPolicy


class Clock:
    """A clock that only sleeping and working move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Attempts:
    """A transaction that loses the first ``losses`` times; each attempt takes ``lasting`` seconds of ``clock``."""

    def __init__(self, losses: int, clock: Clock | None = None, lasting: float = 0.0) -> None:
        self.losses, self.clock, self.lasting = losses, clock, lasting
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self.clock:
            self.clock.now += self.lasting
        if self.made <= self.losses:
            raise errors.SerializationFailure(f"attempt {self.made} lost (OC000)")
        return "committed"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def retry(clock: Clock) -> Callable[..., Retry]:
    """A Retry on the test's clock, with a policy of the given fields; every random fraction is a half."""

    def retry(remaining: float | None = None, **fields: Any) -> Retry:
        return Retry(RetryPolicy(**fields), remaining, clock=clock, sleep=clock.sleep, fraction=lambda: 0.5)

    return retry


def test_a_success_is_not_repeated(retry: Callable[..., Retry]) -> None:
    attempts, call = Attempts(losses=0), retry()
    assert call.run(attempts) == "committed"
    assert (attempts.made, call.retries) == (1, 0)


def test_the_first_retry_is_immediate_and_later_ones_wait_longer_and_longer(
    retry: Callable[..., Retry], clock: Clock
) -> None:
    call = retry(base=0.01, cap=0.04)
    assert call.run(Attempts(losses=6)) == "committed"
    assert clock.slept == [0.005, 0.01, 0.02, 0.02, 0.02]
    assert (call.retries, call.markers) == (6, ["OC000"] * 6)


def test_the_last_conflict_is_raised_as_it_came_when_attempts_are_used_up(retry: Callable[..., Retry]) -> None:
    attempts, call = Attempts(losses=9), retry(attempts=3)
    with pytest.raises(errors.SerializationFailure, match="attempt 3 lost"):
        call.run(attempts)
    assert (attempts.made, call.retries) == (3, 2)


def test_one_attempt_means_no_retry(retry: Callable[..., Retry]) -> None:
    attempts, call = Attempts(losses=1), retry(attempts=1)
    with pytest.raises(errors.SerializationFailure):
        call.run(attempts)
    assert (attempts.made, call.retries) == (1, 0)


def test_no_attempt_begins_after_the_deadline(retry: Callable[..., Retry], clock: Clock) -> None:
    attempts = Attempts(losses=99, clock=clock, lasting=1.0)
    with pytest.raises(errors.SerializationFailure):
        retry(base=0, cap=0, deadline=2.5).run(attempts)
    assert attempts.made == 3


def test_a_wait_that_would_pass_the_deadline_is_not_begun(retry: Callable[..., Retry], clock: Clock) -> None:
    with pytest.raises(errors.SerializationFailure):
        retry(base=8, cap=8, deadline=3).run(Attempts(losses=99))
    assert clock.slept == []


def test_the_remaining_time_brings_the_deadline_forward(retry: Callable[..., Retry], clock: Clock) -> None:
    attempts = Attempts(losses=99, clock=clock, lasting=1.0)
    with pytest.raises(errors.SerializationFailure):
        retry(remaining=1.5, base=0, cap=0, deadline=60).run(attempts)
    assert attempts.made == 2


def test_the_remaining_time_does_not_put_the_deadline_off(retry: Callable[..., Retry], clock: Clock) -> None:
    attempts = Attempts(losses=99, clock=clock, lasting=1.0)
    with pytest.raises(errors.SerializationFailure):
        retry(remaining=60, base=0, cap=0, deadline=1.5).run(attempts)
    assert attempts.made == 2


def test_without_time_there_is_still_one_attempt(retry: Callable[..., Retry]) -> None:
    assert retry(remaining=-1).run(Attempts(losses=0)) == "committed"


def test_an_error_that_is_no_conflict_is_raised_at_once(retry: Callable[..., Retry]) -> None:
    made = 0

    def transaction() -> None:
        nonlocal made
        made += 1
        raise errors.DeadlockDetected

    with pytest.raises(errors.DeadlockDetected):
        retry().run(transaction)
    assert made == 1


def test_an_attempt_does_not_carry_the_conflicts_before_it(retry: Callable[..., Retry]) -> None:
    """Else a retried transaction's own error would be taken for a wrapped conflict, and repeated."""
    attempts = Attempts(losses=1)

    def transaction() -> None:
        attempts()
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug") as caught:
        retry().run(transaction)
    assert caught.value.__context__ is None
    assert attempts.made == 2


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"attempts": 0}, "attempts: must be at least 1"),
        ({"base": -1.0}, "base: must be between 0 and cap"),
        ({"base": 2.0, "cap": 1.0}, "base: must be between 0 and cap"),
        ({"base": float("nan")}, "base: must be between 0 and cap"),
        ({"deadline": 0.0}, "deadline: must be positive"),
        ({"deadline": float("nan")}, "deadline: must be positive"),
    ],
)
def test_a_policy_that_cannot_be_right_names_the_field(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        RetryPolicy(**fields)


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        RetryPolicy().attempts = 1  # type: ignore[misc]


@given(retry=st.integers(2, 10_000), fraction=st.floats(0, 1))
def test_every_delay_is_between_zero_and_the_cap(retry: int, fraction: float) -> None:
    assert 0 <= RetryPolicy().delay(retry, fraction) <= RetryPolicy().cap


@given(retry=st.integers(2, 6))
def test_the_longest_delay_doubles_until_the_cap(retry: int) -> None:
    policy = RetryPolicy(base=1.0, cap=8.0)
    assert policy.delay(retry, 1.0) == min(8.0, 2.0 ** (retry - 2))


def test_a_storms_report_tells_how_many_attempts_there_are() -> None:
    assert RetryPolicy().attempts == ATTEMPTS


def test_the_default_carries_a_call_through_heavy_contention() -> None:
    """Seven of ten attempts lose on hot accounts; one of 10,000 calls may then not run out of attempts."""
    assert 0.71 ** RetryPolicy().attempts * 10_000 < 0.001


def raising(*outcomes: Exception | None) -> Callable[[], str]:
    """A transaction with these errors one after the other; None is its success."""
    left = iter(outcomes)

    def transaction() -> str:
        if error := next(left):
            raise error
        return "committed"

    return transaction


def test_an_unknown_outcome_is_not_repeated(retry: Callable[..., Retry]) -> None:
    with pytest.raises(OutcomeUnknown):
        retry().run(raising(OutcomeUnknown("lost"), None))


def test_an_unknown_outcome_of_what_is_made_once_is_repeated(retry: Callable[..., Retry]) -> None:
    call = retry()
    assert call.run(raising(OutcomeUnknown("lost"), errors.SerializationFailure(), None), once=True) == "committed"
    assert call.retries == 2


@pytest.mark.parametrize("error", [errors.SerializationFailure(), errors.ConnectionFailure()])
def test_where_no_answer_comes_after_an_unknown_outcome_it_stays_unknown(
    retry: Callable[..., Retry], error: Exception
) -> None:
    with pytest.raises(OutcomeUnknown, match="lost"):
        retry(attempts=2).run(raising(OutcomeUnknown("lost"), error), once=True)


def test_a_refusal_after_an_unknown_outcome_is_the_answer(retry: Callable[..., Retry]) -> None:
    with pytest.raises(InsufficientBalance):
        retry().run(raising(OutcomeUnknown("lost"), InsufficientBalance("no")), once=True)
