"""A request of Invoke, read and judged before anything is run."""

import base64
import binascii
import functools
import json
import os
import re
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote

from pytest_dsql.local.functions.invoke import facts
from pytest_dsql.local.functions.invoke.errors import InvalidContent, InvalidParameter, PayloadTooLarge
from pytest_dsql.local.http import Request

PREFIX: Final = "/2015-03-31/functions/"
SUFFIX: Final = "/invocations"
REFERENCE: Final = re.compile(
    r"((?:arn:aws[\w-]*:lambda:)?(?:[a-z]{2}(?:-[a-z]+)+-\d:)?(?:\d{12}:)?(?:function:)?[\w-]+)(?::(\$LATEST|[\w-]+))?"
)
"""API reference of Invoke, FunctionName (2026-11): a name, partial ARN or ARN, and perhaps a qualifier."""
TYPES: Final = frozenset({"RequestResponse", "Event", "DryRun"})


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_judge = json.JSONDecoder(parse_constant=_refuse_constant).decode


@dataclass(slots=True)
class Invocation:
    """What is to be run, and for whom."""

    payload: bytes
    request_id: str
    arn: str
    """The function's ARN, qualified as the caller did."""
    trace: str
    context: str | None = None
    """The client context, JSON."""
    tail: bool = False
    """Whether the caller wants the end of the log."""
    log: bytes = b""
    """The end of the log, once it has ended."""


@dataclass(frozen=True, slots=True)
class InvocationTarget:
    """Which function is meant, and how it is to be invoked."""

    reference: str
    qualifier: str | None
    type: str


def target(request: Request) -> InvocationTarget:
    """Return which function a request means; raise InvalidParameter."""
    return _target(request.target, request.headers.get("x-amz-invocation-type", "RequestResponse"))


@functools.lru_cache(1_000)
def _target(asked_for: str, kind: str) -> InvocationTarget:
    path, _, query = asked_for.partition("?")
    matched = REFERENCE.fullmatch(unquote(path.removeprefix(PREFIX).removesuffix(SUFFIX)))
    if not matched:
        raise InvalidParameter("1 validation error detected: Value at 'functionName' failed to satisfy constraint")
    asked = parse_qs(query).get("Qualifier", [None])[0] if query else None
    if asked and matched[2] and asked != matched[2]:
        raise InvalidParameter("The derived qualifier from the function name does not match the specified qualifier.")
    if kind not in TYPES:
        raise InvalidParameter(f"Value '{kind}' at 'invocationType' is not one of {', '.join(sorted(TYPES))}")
    return InvocationTarget(matched[1], asked or matched[2], kind)


def invocation(request: Request, kind: str, request_id: str, arn: str) -> Invocation:
    """Return what a request wants to be run; raise PayloadTooLarge, InvalidContent."""
    _check_size(len(request.body), event=kind == "Event")
    payload = request.body or b"{}"
    try:
        _judge(payload.decode())
    except ValueError as error:
        raise InvalidContent(facts.NOT_JSON.format(cause=error)) from None
    headers = request.headers
    trace = headers.get("x-amzn-trace-id") or new_trace()
    if kind == "Event":
        return Invocation(payload, request_id, arn, trace)
    context = headers.get("x-amz-client-context")
    tail = headers.get("x-amz-log-type") == "Tail"
    return Invocation(payload, request_id, arn, trace, _context(context) if context else None, tail)


def _check_size(size: int, *, event: bool) -> None:
    if event and size > facts.ASYNCHRONOUS_PAYLOAD:
        raise PayloadTooLarge(facts.EVENT_TOO_LARGE.format(size=size))
    if size > facts.SYNCHRONOUS_PAYLOAD:
        raise PayloadTooLarge(facts.PAYLOAD_TOO_LARGE)


def _context(encoded: str) -> str:
    """Return a client context in one line of ASCII, as it goes into a header; raise InvalidContent."""
    if len(encoded) > facts.CLIENT_CONTEXT:
        raise InvalidContent(f"Client context must be no more than {facts.CLIENT_CONTEXT} bytes")
    try:
        return json.dumps(json.loads(base64.b64decode(encoded, validate=True)))
    except (binascii.Error, ValueError):
        raise InvalidContent("Client context must be a valid Base64-encoded JSON object.") from None


def new_id() -> str:
    """Return a request id."""
    # A UUID of version 4; the standard library's takes ten times as long.
    noise = os.urandom(16).hex()
    return f"{noise[:8]}-{noise[8:12]}-4{noise[13:16]}-a{noise[17:20]}-{noise[20:]}"


def new_trace() -> str:
    """Return a trace header as Lambda makes one where the caller sends none; it is not sampled."""
    noise = os.urandom(20).hex()
    return f"Root=1-{int(time.time()):08x}-{noise[:24]};Parent={noise[24:]};Sampled=0"
