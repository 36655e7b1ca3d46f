"""Errors of Invoke as the service answers them, each with its HTTP status and code.

ServiceError
├── FunctionNotFound            404 ResourceNotFoundException
├── InvalidContent              400 InvalidRequestContentException
├── InvalidParameter            400 InvalidParameterValueException
├── NotActive                   409 ResourceConflictException
├── PayloadTooLarge             413 RequestEntityTooLargeException
├── Throttled                   429 TooManyRequestsException
├── InvalidZip                  502 InvalidZipFileException
├── InternalError               500 ServiceException
└── NoEnvironment               500 ServiceException
"""

import json
from typing import ClassVar, Final

from pytest_dsql.local.functions.invoke import facts
from pytest_dsql.local.http import Response

CLOSING: Final = "Lambda is closing"


class ServiceError(Exception):
    """Invoke is refused; the text is what the caller is told."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "ServiceException"
    message_key: ClassVar[str] = "message"

    def body(self) -> dict[str, str]:
        """Return what the answer holds."""
        return {"Type": "User" if self.status < 500 else "Service", self.message_key: str(self)}

    def headers(self) -> dict[str, str]:
        """Return the answer's headers beside the usual."""
        return {}

    def response(self, request_id: str) -> Response:
        """Return the answer to the caller."""
        headers = {"x-amzn-RequestId": request_id, "x-amzn-ErrorType": self.code, "Content-Type": "application/json"}
        return Response(self.status, json.dumps(self.body()).encode(), {**headers, **self.headers()})


class FunctionNotFound(ServiceError):
    """There is no such function, or no such version of it."""

    status, code, message_key = 404, "ResourceNotFoundException", "Message"

    def __init__(self, arn: str) -> None:
        super().__init__(f"Function not found: {arn}")


class InvalidContent(ServiceError):
    """The payload is not JSON, or a header is not what it should be."""

    status, code = 400, "InvalidRequestContentException"


class InvalidParameter(ServiceError):
    """A parameter has a value that is not allowed."""

    status, code = 400, "InvalidParameterValueException"


class NotActive(ServiceError):
    """The function is not ready to be invoked."""

    status, code = 409, "ResourceConflictException"

    def __init__(self, state: str) -> None:
        super().__init__(facts.PENDING.format(state=state))


class PayloadTooLarge(ServiceError):
    """The payload is larger than this type of invocation takes."""

    status, code, message_key = 413, facts.PAYLOAD_TOO_LARGE_CODE, "Message"


class Throttled(ServiceError):
    """More invocations are in flight than the function or the account may have."""

    status, code = 429, "TooManyRequestsException"

    def __init__(self, reason: str) -> None:
        super().__init__(facts.THROTTLED)
        self.reason = reason

    def body(self) -> dict[str, str]:
        """Return what the answer holds, with the limit that was met."""
        return {"Reason": self.reason, **super().body()}

    def headers(self) -> dict[str, str]:
        """Return how long the caller should wait."""
        return {"Retry-After": str(facts.RETRY_AFTER_S)}


class InvalidZip(ServiceError):
    """The deployed zip cannot be unpacked."""

    status, code = 502, "InvalidZipFileException"


class InternalError(ServiceError):
    """What a test wants the caller to be told; the function may have run all the same."""

    def __init__(self) -> None:
        super().__init__(facts.INTERNAL)


class NoEnvironment(ServiceError):
    """No execution environment could be made on this machine; the fault is ours, not the function's."""
