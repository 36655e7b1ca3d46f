from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.fix_bank import DATA_CONFLICT, SCHEMA_CONFLICT, Bank
from tests.fix_front import Front
from transfer import greeting
from transfer.errors import InvalidRequest, OutcomeUnknown, PayerNotFound
from transfer.handlers import error_code
from transfer.retry import RetryPolicy

Invoke = Callable[..., Any]
TEN = {"payer_id": 1, "payee_id": 2, "amount": 10}
REPORTING = ["transfer_once", "transfer_with_retry", "transfer_with_history"]


def outcome(report: dict[str, Any]) -> dict[str, Any]:
    """The report without its duration, which must be there."""
    duration = report.pop("duration")
    assert 0 < duration < 30_000
    return report


def test_chapter_0_greets() -> None:
    assert greeting.handler({"name": "reinvent"}, None) == {"greeting": "hello reinvent"}


@pytest.mark.parametrize("event", [{}, {"name": 1}, None])
def test_a_greeting_needs_a_name(event: object) -> None:
    with pytest.raises(InvalidRequest, match="^name: must be a string$"):
        greeting.handler(event, None)


def test_chapter_1_greets_from_the_database(run_handler: Invoke, front: Front) -> None:
    assert run_handler("connect", name="reinvent") == {"greeting": "Hello reinvent, connected to DSQL successfully!"}
    assert len(front.logins) == 1


def test_chapter_3_answers_the_payers_balance(run_handler: Invoke, bank: Bank) -> None:
    assert run_handler("transfer", **TEN) == {"balance": 90}
    assert run_handler("transfer", **TEN) == {"balance": 80}
    assert bank.balances() == {1: 80, 2: 120}


def test_chapter_3_raises_what_goes_wrong(run_handler: Invoke, bank: Bank) -> None:
    with pytest.raises(PayerNotFound):
        run_handler("transfer", payer_id=7, payee_id=2, amount=10)
    bank.raise_error("commit")
    with pytest.raises(errors.SerializationFailure):
        run_handler("transfer", **TEN)
    assert bank.balances() == {1: 100, 2: 100}


@pytest.mark.parametrize("handler", REPORTING)
def test_chapter_4_reports_balance_duration_and_retries(run_handler: Invoke, handler: str) -> None:
    assert outcome(run_handler(handler, **TEN)) == {"balance": 90, "retries": 0}


@pytest.mark.parametrize("moment", ["statement", "commit"])
def test_without_retry_a_conflict_is_reported(run_handler: Invoke, bank: Bank, moment: str) -> None:
    bank.raise_error(moment)
    report = outcome(run_handler("transfer_once", **TEN))
    assert report.pop("error").startswith(DATA_CONFLICT)
    assert report == {"error_code": "40001", "retries": 0}
    assert bank.balances() == {1: 100, 2: 100}


@pytest.mark.parametrize("moment", ["statement", "commit"])
@pytest.mark.parametrize("message", [DATA_CONFLICT, SCHEMA_CONFLICT])
@pytest.mark.parametrize("times", [1, 3])
def test_with_retry_a_conflict_costs_retries_and_nothing_else(
    run_handler: Invoke, bank: Bank, moment: str, message: str, times: int
) -> None:
    bank.raise_error(moment, times, message=message)
    assert outcome(run_handler("transfer_with_retry", **TEN)) == {"balance": 90, "retries": times}
    assert bank.errors_raised == times
    assert bank.balances() == {1: 90, 2: 110}


def test_retries_end_when_the_invocations_time_does(run_handler: Invoke, bank: Bank) -> None:
    run_handler("transfer_with_retry", **TEN)  # connects, which takes as long as it takes
    bank.raise_error("commit", times=10_000)
    report = outcome(run_handler("transfer_with_retry", remaining=1_200, **TEN))
    assert report["error_code"] == "40001"
    assert 1 <= report["retries"] < RetryPolicy().attempts - 1
    assert bank.errors_raised == report["retries"] + 1


@pytest.mark.parametrize("sqlstate", ["40P01", "23514", "54000"])
def test_other_errors_of_the_database_are_not_retried(run_handler: Invoke, bank: Bank, sqlstate: str) -> None:
    bank.raise_error("statement", times=9, sqlstate=sqlstate, message="no")
    report = outcome(run_handler("transfer_with_retry", **TEN))
    assert (report["error_code"], report["retries"], bank.errors_raised) == (sqlstate, 0, 1)


@pytest.mark.parametrize("cut", ["cut_before", "cut_after"])
def test_an_unknown_outcome_is_reported_and_never_retried(
    run_handler: Invoke, bank: Bank, front: Front, cut: str
) -> None:
    getattr(front, cut)("COMMIT")
    report = outcome(run_handler("transfer_with_retry", **TEN))
    assert (report["error_code"], report["retries"]) == ("outcome_unknown", 0)
    assert sum(filter(None, bank.balances().values())) == 200
    assert len(front.logins) == 1


def test_an_unknown_outcome_after_a_conflict_is_not_retried(run_handler: Invoke, bank: Bank, front: Front) -> None:
    """The commit that conflicts comes first; the cut meets the one of the retry."""
    bank.raise_error("statement", times=1)
    front.cut_after("COMMIT")
    report = outcome(run_handler("transfer_with_retry", **TEN))
    assert (report["error_code"], report["retries"]) == ("outcome_unknown", 1)
    assert bank.balances() == {1: 90, 2: 110}


def test_the_next_invocation_finds_a_working_connection(run_handler: Invoke, bank: Bank, front: Front) -> None:
    front.cut_before("balance + ")
    assert outcome(run_handler("transfer_with_retry", **TEN))["error_code"] == "OperationalError"
    assert outcome(run_handler("transfer_with_retry", **TEN)) == {"balance": 90, "retries": 0}
    assert len(front.logins) == 2


@pytest.mark.parametrize("handler", REPORTING)
def test_a_transfer_that_cannot_be_made_is_reported(run_handler: Invoke, bank: Bank, handler: str) -> None:
    assert outcome(run_handler(handler, payer_id=1, payee_id=2, amount=101)) == {
        "error": "account 1 has less than 101",
        "error_code": "insufficient_balance",
        "retries": 0,
    }
    assert bank.balances() == {1: 100, 2: 100}


@pytest.mark.parametrize("handler", REPORTING)
def test_bad_input_is_answered_before_the_database_is_touched(run_handler: Invoke, front: Front, handler: str) -> None:
    assert outcome(run_handler(handler, payer_id=1, payee_id=2, amount="10")) == {
        "error": "amount: must be an integer, not a string",
        "error_code": "invalid_request",
        "retries": 0,
    }
    assert front.logins == []


@pytest.mark.parametrize("handler", ["connect", "transfer", *REPORTING])
def test_warm_invocations_share_one_connection(run_handler: Invoke, bank: Bank, front: Front, handler: str) -> None:
    for _ in range(3):
        run_handler(handler, name="reinvent", **TEN)
    assert len(front.logins) == 1
    assert [state for _, state in bank.backends()] == ["idle"]


@pytest.mark.parametrize("handler", REPORTING)
def test_a_bug_is_not_reported_as_an_answer(run_handler: Invoke, environment: pytest.MonkeyPatch, handler: str) -> None:
    environment.setattr("transfer.transaction.make", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_handler(handler, **TEN)


def test_no_answer_tells_the_token(run_handler: Invoke, environment: pytest.MonkeyPatch, front: Front) -> None:
    environment.setenv("PGPORT", "1")
    report = run_handler("transfer_with_retry", **TEN)
    assert "connection" in report["error"]
    assert "X-Amz" not in str(report)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.SerializationFailure(), "40001"),
        (psycopg.OperationalError(), "OperationalError"),
        (OutcomeUnknown(), "outcome_unknown"),
    ],
)
def test_error_codes(error: Any, code: str) -> None:
    assert error_code(error) == code


def test_the_history_has_one_row_of_a_transfer_that_was_retried(run_handler: Invoke, bank: Bank) -> None:
    bank.raise_error("commit", 3)
    assert outcome(run_handler("transfer_with_history", **TEN)) == {"balance": 90, "retries": 3}
    assert bank.history() == [(1, 2, 10)]


@pytest.mark.parametrize("changed", [{"amount": 101}, {"payee_id": 7}, {"payer_id": 7}])
def test_the_history_has_no_row_of_a_transfer_that_was_not_made(
    run_handler: Invoke, bank: Bank, changed: dict[str, int]
) -> None:
    assert "error" in run_handler("transfer_with_history", **{**TEN, **changed})
    assert bank.history() == []


def test_there_is_no_transfer_without_its_row(run_handler: Invoke, bank: Bank) -> None:
    bank.connection.execute("ALTER TABLE transactions RENAME TO gone")
    try:
        assert outcome(run_handler("transfer_with_history", **TEN))["error_code"] == "42P01"
    finally:
        bank.connection.execute("ALTER TABLE gone RENAME TO transactions")
    assert bank.balances() == {1: 100, 2: 100}


def test_chapters_3_and_4_need_no_history(run_handler: Invoke, bank: Bank) -> None:
    run_handler("transfer_with_history", **TEN)
    run_handler("transfer_with_retry", **TEN)
    assert (bank.balances(), bank.history()) == ({1: 80, 2: 120}, [(1, 2, 10)])
