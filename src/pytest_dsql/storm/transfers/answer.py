"""What came back of a call, and what it means for the money: committed, refused or unknown.

Every answer that is known stands in one of the tables below; an answer that does not is ``unknown`` and not ``known``,
which the checker reports. Sources: ``transfer.handlers`` and ``transfer.errors`` for the payloads, the AWS Lambda
developer guide (2026-10) for function errors, the Invoke API's reference and botocore's exceptions for the client's.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.run.invocations import HttpReply


class AnswerKind(StrEnum):
    """Who gave the answer; also its key in the record."""

    PAYLOAD = "payload"
    FUNCTION_ERROR = "function_error"
    CLIENT_ERROR = "client_error"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came.

    ``body`` is the handler's JSON value, the JSON value of a FunctionError, or, for the client's own error,
    ``{"code": …, "text": …}``.
    """

    kind: AnswerKind
    body: Any


@dataclass(frozen=True, slots=True)
class AnswerMeaning:
    """What an answer says. ``known`` is whether it stands in a table; ``code`` is None where it is committed."""

    outcome: Outcome
    code: str | None = None
    known: bool = True
    balance: int | None = None
    text: str | None = None
    marker: str | None = None
    duration_ms: float | None = None
    retries: int = 0


OK: Final = 200
THROTTLED: Final = "TooManyRequestsException"
UNANSWERED: Final = AnswerMeaning(Outcome.UNKNOWN, "unanswered")
"""The meaning of no answer at all."""

CONFLICT: Final = "40001"
INSUFFICIENT_BALANCE: Final = "insufficient_balance"
MARKERS: Final = ("OC000", "OC001")
"""What a lost optimistic transaction has in its text: data, or the catalog, changed."""

_NOT_MADE: Final = {
    "ConfigurationError": "configuration_error",
    "InvalidRequest": "invalid_request",
    "PayerNotFound": "payer_not_found",
    "PayeeNotFound": "payee_not_found",
    "InsufficientBalance": INSUFFICIENT_BALANCE,
    "TransferIdReused": "transfer_id_reused",
    "NotCommitted": "not_committed",
}
_OUTCOME_UNKNOWN: Final = ("OutcomeUnknown", "outcome_unknown")
"""The errors of a transfer by their classes' names, with their codes."""

NOT_REACHED: Final = frozenset({"OperationalError", "ConnectionTimeout", "53100", "57P01", "57P02", "57P03", "XX000"})
"""What the function tells where the database was not there for it before COMMIT, else it were ``outcome_unknown``: no
sign-in, a session that was lost or ended, a server that is unavailable; or COMMIT was refused for want of room."""

_PAYLOAD: Final = {
    CONFLICT: Outcome.REFUSED,
    **dict.fromkeys(NOT_REACHED, Outcome.REFUSED),
    **dict.fromkeys(_NOT_MADE.values(), Outcome.REFUSED),
    _OUTCOME_UNKNOWN[1]: Outcome.UNKNOWN,
}

_NOT_LOADED: Final = {
    "Runtime.ImportModuleError",
    "Runtime.HandlerNotFound",
    "Runtime.MalformedHandlerName",
    "Runtime.UserCodeSyntaxError",
}
"""There was no handler to run: certainly before COMMIT."""

_RAISED: Final = {"SerializationFailure": CONFLICT, **_NOT_MADE}
"""What chapter 3's handler raises: before BEGIN, after a ROLLBACK, or because the database said that COMMIT lost."""

_TIMED_OUT: Final = "Sandbox.Timedout"
_MAY_HAVE_COMMITTED: Final = {_TIMED_OUT, "Runtime.ExitError", "Runtime.OutOfMemory", _OUTCOME_UNKNOWN[0]}
"""The function ended at a moment nobody knows, or says itself that it does not know."""

_FUNCTION: Final = (
    dict.fromkeys(_NOT_LOADED, Outcome.REFUSED)
    | dict.fromkeys(_RAISED, Outcome.REFUSED)
    | dict.fromkeys(_MAY_HAVE_COMMITTED, Outcome.UNKNOWN)
)

_CLIENT: Final = {
    THROTTLED: Outcome.REFUSED,
    **dict.fromkeys(
        (
            "ConnectTimeoutError",
            "ConnectionClosedError",
            "ConnectionError",
            "EndpointConnectionError",
            "HTTPClientError",
            "IncompleteReadError",
            "ReadTimeoutError",
            "ResponseStreamingError",
            "ServiceException",
        ),
        Outcome.UNKNOWN,
    ),
}
"""A call that Lambda throttled was not begun. Of a lost connection nobody can say whether the request had arrived."""


def of_invocation(function_error: str | None, payload: bytes) -> Answer:
    """Return the answer of an Invoke response; a payload that is not JSON stays text, which no table knows."""
    kind = AnswerKind.FUNCTION_ERROR if function_error else AnswerKind.PAYLOAD
    try:
        return Answer(kind, json.loads(payload))
    except ValueError:
        return Answer(kind, payload.decode(errors="replace"))


def of_client_error(code: str, text: str) -> Answer:
    """Return the answer of a call that ended in the client.

    ``code`` is the service's error code where it sent one (``TooManyRequestsException``), else the class of botocore's
    exception (``ReadTimeoutError``).
    """
    return Answer(AnswerKind.CLIENT_ERROR, {"code": code, "text": text})


_TRANSFERRED: Final = re.compile(rb'\{"balance": (\d+), "duration": ([\d.]+), "retries": (\d+)\}')
"""What ``transfer.handlers`` answers when all is well; most answers are that."""


def quick(reply: HttpReply) -> AnswerMeaning | None:
    """Return the meaning of a plain success, None where a reply has to be looked at closely."""
    found = _TRANSFERRED.fullmatch(reply.body) if reply.status == OK else None
    if found is None or b"function-error" in reply.head.lower():
        return None
    balance, duration, retries = found.groups()
    return AnswerMeaning(Outcome.COMMITTED, balance=int(balance), duration_ms=float(duration), retries=int(retries))


def of_reply(reply: HttpReply) -> Answer:
    """Return the answer that a reply is, as boto3 would have it."""
    if reply.error:
        return of_client_error(reply.error, reply.text)
    if reply.status == OK:
        return of_invocation(reply.header("X-Amz-Function-Error"), reply.body)
    code, message = _error_of_service(reply)
    return of_client_error(code, f"An error occurred ({code}) when calling the Invoke operation: {message}")


def _error_of_service(reply: HttpReply) -> tuple[str, str]:
    """Return code and message of an error of the service (AWS's REST-JSON protocol)."""
    try:
        said = json.loads(reply.body)
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    code = str(reply.header("x-amzn-errortype") or said.get("code") or said.get("__type") or reply.status)
    return code.partition(":")[0].rpartition("#")[2], str(said.get("message", said.get("Message", "")))


def throttled(answer: Answer) -> bool:
    """Whether Lambda said 429: the call was not begun, and may be offered again."""
    return answer.kind is AnswerKind.CLIENT_ERROR and answer.body["code"] == THROTTLED


def passing(meaning: AnswerMeaning) -> bool:
    """Whether the same call may be answered otherwise a moment later: nobody knows of it, or nothing was reached."""
    return meaning.known and (meaning.outcome is Outcome.UNKNOWN or meaning.code in NOT_REACHED)


def last_of(last: AnswerMeaning, *, uncertain: bool) -> AnswerMeaning:
    """Return what the last answer says of a call that was sent more than once.

    After an ``uncertain`` sending a refusal says of its own sending alone that it was not made.
    """
    refused = last.outcome is Outcome.REFUSED
    return replace(last, outcome=Outcome.UNKNOWN) if uncertain and refused else last


def meaning(answer: Answer) -> AnswerMeaning:
    """Return what an answer says; never raises: what is not understood is unknown and not ``known``."""
    body = answer.body
    if not isinstance(body, Mapping):
        return AnswerMeaning(Outcome.UNKNOWN, "malformed", known=False, text=repr(body)[:500])
    if answer.kind is AnswerKind.PAYLOAD:
        return _payload(body)
    if answer.kind is AnswerKind.FUNCTION_ERROR:
        return _function_error(body)
    return _judged(_CLIENT, str(body.get("code")), str(body.get("text", "")))


def _payload(body: Mapping[str, Any]) -> AnswerMeaning:
    duration, retries = _number(body.get("duration")), body.get("retries", 0)
    retries = retries if isinstance(retries, int) else 0
    balance = body.get("balance")
    if isinstance(balance, int) and "error" not in body and "error_code" not in body:
        return AnswerMeaning(Outcome.COMMITTED, balance=balance, duration_ms=duration, retries=retries)
    text = str(body.get("error", dict(body)))
    return _judged(_PAYLOAD, str(body.get("error_code", "malformed")), text, duration, retries)


def _function_error(body: Mapping[str, Any]) -> AnswerMeaning:
    text = str(body.get("errorMessage", ""))
    # Lambda has answered time-outs with and without a type.
    kind = str(body.get("errorType") or (_TIMED_OUT if "Task timed out" in text else "malformed"))
    judged = _judged(_FUNCTION, kind, text)
    return AnswerMeaning(judged.outcome, _RAISED.get(kind, kind), judged.known, text=text, marker=judged.marker)


def _judged(
    table: Mapping[str, Outcome], code: str, text: str, duration_ms: float | None = None, retries: int = 0
) -> AnswerMeaning:
    outcome = table.get(code, Outcome.UNKNOWN)
    return AnswerMeaning(
        outcome, code, code in table, text=text, marker=_marker(text), duration_ms=duration_ms, retries=retries
    )


def _marker(text: str) -> str | None:
    return next((marker for marker in MARKERS if marker in text), None)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
