"""How services refuse a caller: the codes and the form depend on how a service speaks.

Source: each service's common errors, API references of 2026-11.
"""

import json
from typing import Final
from xml.sax.saxutils import escape

from pytest_dsql.local.http import Response
from pytest_dsql.local.iam.signatures import EXPIRED, MISSING, UNKNOWN, WRONG

DENIED, ELSEWHERE = "denied", "elsewhere"
_INVALID: Final = 400
_TEXTS: Final = {
    MISSING: "Missing Authentication Token",
    UNKNOWN: "The security token included in the request is invalid.",
    WRONG: "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details.",
    EXPIRED: "The security token included in the request is expired",
}
_JSON: Final = {
    MISSING: "MissingAuthenticationTokenException",
    UNKNOWN: "UnrecognizedClientException",
    WRONG: "InvalidSignatureException",
    EXPIRED: "ExpiredTokenException",
    DENIED: "AccessDeniedException",
    ELSEWHERE: "ValidationException",
}
_QUERY: Final = {
    MISSING: "MissingAuthenticationToken",
    UNKNOWN: "InvalidClientTokenId",
    WRONG: "SignatureDoesNotMatch",
    EXPIRED: "ExpiredToken",
    DENIED: "AccessDenied",
    ELSEWHERE: "ValidationError",
}
_S3: Final = {**_QUERY, MISSING: "AccessDenied", UNKNOWN: "InvalidAccessKeyId"}


def refusal(protocol: str, cause: str, text: str = "") -> Response:
    """Return the answer to a caller who may not, in the form that a service's clients read."""
    said = text or _TEXTS[cause]
    if "json" in protocol:
        code = _JSON[cause]
        body = json.dumps({"__type": code, "message": said, "Message": said}).encode()
        kind = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
        return Response(403 if protocol == "rest-json" and cause != ELSEWHERE else _INVALID, body, kind)
    if protocol == "rest-xml":
        whole = f"<Error><Code>{_S3[cause]}</Code><Message>{escape(said)}</Message></Error>"
    else:
        error = f"<Type>Sender</Type><Code>{_QUERY[cause]}</Code><Message>{escape(said)}</Message>"
        whole = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
    return Response(_INVALID if cause == ELSEWHERE else 403, whole.encode(), {"Content-Type": "text/xml"})
