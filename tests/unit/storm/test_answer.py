import pytest

from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.transfers.answer import (
    _FUNCTION,
    _PAYLOAD,
    CONFLICT,
    MARKERS,
    NOT_REACHED,
    Answer,
    AnswerKind,
    meaning,
    of_client_error,
    of_invocation,
    passing,
    throttled,
)
from transfer import dsql, errors


def every(kind: type[errors.TransferError]) -> set[type[errors.TransferError]]:
    return {kind}.union(*map(every, kind.__subclasses__())) - {errors.TransferError}


def test_committed() -> None:
    said = meaning(of_invocation(None, b'{"balance": 90, "duration": 12.5, "retries": 2}'))
    assert (said.outcome, said.balance, said.code, said.known) == (Outcome.COMMITTED, 90, None, True)
    assert (said.duration_ms, said.retries) == (12.5, 2)


def test_a_lost_transaction_has_its_marker() -> None:
    said = meaning(
        of_invocation(None, b'{"error": "lost (OC001)", "error_code": "40001", "duration": 9, "retries": 3}')
    )
    assert (said.outcome, said.code, said.marker, said.retries, said.text) == (
        Outcome.REFUSED,
        "40001",
        "OC001",
        3,
        "lost (OC001)",
    )


@pytest.mark.parametrize("kind", sorted(every(errors.TransferError), key=str))
def test_every_transfer_error_is_in_both_tables(kind: type[errors.TransferError]) -> None:
    outcome = Outcome.UNKNOWN if kind is errors.OutcomeUnknown else Outcome.REFUSED
    assert _PAYLOAD[kind.code] is outcome
    assert _FUNCTION[kind.__name__] is outcome


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        ({"errorType": "Sandbox.Timedout", "errorMessage": "…"}, Outcome.UNKNOWN, "Sandbox.Timedout"),
        ({"errorMessage": "2026-11-23 x Task timed out after 3.00 seconds"}, Outcome.UNKNOWN, "Sandbox.Timedout"),
        ({"errorType": "Runtime.ExitError"}, Outcome.UNKNOWN, "Runtime.ExitError"),
        ({"errorType": "Runtime.ImportModuleError"}, Outcome.REFUSED, "Runtime.ImportModuleError"),
        ({"errorType": "SerializationFailure", "errorMessage": "(OC000)"}, Outcome.REFUSED, "40001"),
        ({"errorType": "InsufficientBalance"}, Outcome.REFUSED, "insufficient_balance"),
    ],
)
def test_function_errors(error: dict[str, str], outcome: Outcome, code: str) -> None:
    said = meaning(Answer(AnswerKind.FUNCTION_ERROR, error))
    assert (said.outcome, said.code, said.known) == (outcome, code, True)


def test_client_errors() -> None:
    assert meaning(of_client_error("TooManyRequestsException", "429")).outcome is Outcome.REFUSED
    assert meaning(of_client_error("ReadTimeoutError", "60 s")).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [
        of_invocation(None, b"no JSON"),
        of_invocation(None, b"[1]"),
        of_invocation(None, b"{}"),
        of_invocation(None, b'{"balance": "90"}'),
        of_invocation(None, b'{"balance": 90, "error": "and yet"}'),
        of_invocation(None, b'{"error": "?", "error_code": "42P01"}'),
        of_invocation("Unhandled", b'{"errorType": "KeyError"}'),
        of_invocation("Unhandled", b"{}"),
        of_client_error("AccessDeniedException", "no"),
    ],
)
def test_what_no_table_has_is_unknown(answer: Answer) -> None:
    said = meaning(answer)
    assert (said.outcome, said.known) == (Outcome.UNKNOWN, False)


def test_figures_of_another_type_are_not_taken() -> None:
    said = meaning(of_invocation(None, b'{"balance": 90, "duration": true, "retries": "2"}'))
    assert (said.outcome, said.duration_ms, said.retries) == (Outcome.COMMITTED, None, 0)


def test_a_balance_beside_an_error_code_is_no_commit() -> None:
    assert meaning(of_invocation(None, b'{"balance": 90, "error_code": "40001"}')).outcome is Outcome.REFUSED


def test_only_lambda_itself_throttles() -> None:
    assert throttled(of_client_error("TooManyRequestsException", "Rate Exceeded."))
    assert not throttled(of_client_error("ReadTimeoutError", "60 s"))
    assert not throttled(of_invocation(None, b'{"code": "TooManyRequestsException"}'))


def test_a_conflict_is_called_as_the_function_calls_it() -> None:
    assert dsql.CONFLICT_SQLSTATE == CONFLICT
    assert (dsql.DATA_CONFLICT, dsql.SCHEMA_CONFLICT) == MARKERS


@pytest.mark.parametrize("code", sorted(NOT_REACHED))
def test_what_did_not_reach_the_database_was_not_made_and_may_pass(code: str) -> None:
    said = meaning(of_invocation(None, b'{"error": "gone", "error_code": "%b"}' % code.encode()))
    assert (said.outcome, said.known, passing(said)) == (Outcome.REFUSED, True, True)


def test_a_refusal_that_stays_does_not_pass() -> None:
    assert not passing(meaning(of_invocation(None, b'{"error": "poor", "error_code": "insufficient_balance"}')))
    assert not passing(meaning(of_invocation(None, b"{}")))
