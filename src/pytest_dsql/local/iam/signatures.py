"""Signature Version 4 of requests: who signed one, and whether it is his signature.

Source: IAM user guide, "Create a signed AWS API request", 2026-10. S3 signs paths as they are, others encode them once
more. botocore signs, but it cannot tell whose signature is right: it leaves out headers that other clients sign.
"""

import functools
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, unquote

from pytest_dsql.local.iam.principals import Credentials, Principals

SKEW: Final = timedelta(minutes=15)
"""How far a client's clock may be off. Source: as above ("within 15 minutes" for S3; 5 for others is what most say)."""
_HEADER: Final = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^/, ]+)/(\d{8})/([^/, ]+)/([^/, ]+)/aws4_request, *SignedHeaders=([^, ]+), *"
    r"Signature=([0-9a-f]{64})"
)
_UNSIGNED: Final = ("UNSIGNED-PAYLOAD", "STREAMING-")
_EMPTY: Final = hashlib.sha256(b"").hexdigest()


class Unsigned(Exception):
    """A request is not signed by anybody; ``cause`` is one of MISSING, UNKNOWN, WRONG, EXPIRED."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


MISSING: Final = "missing"
UNKNOWN: Final = "unknown"
WRONG: Final = "wrong"
EXPIRED: Final = "expired"


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request says of its signature; nothing in it is believed yet."""

    access_key_id: str
    day: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str
    moment: str
    session_token: str | None
    life: timedelta = SKEW
    presigned: bool = False


@dataclass(frozen=True, slots=True)
class SignedParts:
    """The parts of a request that are signed; the names of ``headers`` are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def read(message: SignedParts) -> Signature:
    """Return what a request says of its signature; raise Unsigned where it says nothing."""
    found = _HEADER.match(message.headers.get("authorization", ""))
    if found:
        key, day, region, service, names, signature = found.groups()
        moment, token = message.headers.get("x-amz-date", ""), message.headers.get("x-amz-security-token")
        return Signature(key, day, region, service, tuple(names.split(";")), signature, moment, token)
    query = {name: unquote(value) for name, value in _pairs(message.target.partition("?")[2])}
    scope = query.get("X-Amz-Credential", "").split("/")
    if "X-Amz-Signature" not in query or len(scope) != 5 or not query.get("X-Amz-Expires", "").isdecimal():
        raise Unsigned(MISSING)
    key, day, region, service, _ = scope
    return Signature(
        key,
        day,
        region,
        service,
        tuple(query.get("X-Amz-SignedHeaders", "").split(";")),
        query["X-Amz-Signature"],
        query.get("X-Amz-Date", ""),
        query.get("X-Amz-Security-Token"),
        timedelta(seconds=int(query["X-Amz-Expires"])),
        presigned=True,
    )


def verify(message: SignedParts, given: Signature, principals: Principals, now: datetime) -> Credentials:
    """Return the credentials that a request was signed with; raise Unsigned."""
    credentials = principals.find(given.access_key_id)
    if credentials is None or not credentials.active or credentials.session_token != given.session_token:
        raise Unsigned(UNKNOWN)
    check(message, given, credentials, now)
    return credentials


def check(message: SignedParts, given: Signature, credentials: Credentials, now: datetime) -> None:
    """Raise Unsigned where a request's signature is not of these credentials, or not of now."""
    if credentials.expiry is not None and now.astimezone(UTC) >= credentials.expiry:
        raise Unsigned(EXPIRED)
    text = f"AWS4-HMAC-SHA256\n{given.moment}\n{given.day}/{given.region}/{given.service}/aws4_request\n"
    text += hashlib.sha256(_canonical(message, given).encode()).hexdigest()
    key = _key(credentials.secret_access_key, given.day, given.region, given.service)
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, given.signature) or given.moment[:8] != given.day:
        raise Unsigned(WRONG)
    try:
        signed = datetime.fromisoformat(given.moment)
    except ValueError:
        raise Unsigned(WRONG) from None
    if not signed - SKEW <= now.astimezone(UTC) <= signed + given.life:
        raise Unsigned(WRONG)


@functools.lru_cache(256)
def _key(secret: str, *scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (*scope, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _canonical(message: SignedParts, given: Signature) -> str:
    path, _, query = message.target.partition("?")
    pairs = sorted(pair for pair in _pairs(query) if pair[0] != "X-Amz-Signature")
    headers = "".join(f"{name}:{' '.join(message.headers.get(name, '').split())}\n" for name in given.headers)
    return "\n".join(
        (
            message.method,
            path if given.service == "s3" else _encoded(path),
            "&".join(f"{name}={value}" for name, value in pairs),
            headers,
            ";".join(given.headers),
            _hash(message, given),
        )
    )


@functools.lru_cache(1024)
def _encoded(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    slash = "/" if path.endswith("/") and parts else ""
    return quote(f"/{'/'.join(parts)}{slash}", safe="/~")


def _pairs(query: str) -> list[tuple[str, str]]:
    parts = (part.partition("=") for part in query.split("&") if part)
    return [(name, value) for name, _, value in parts]


def _hash(message: SignedParts, given: Signature) -> str:
    said = message.headers.get("x-amz-content-sha256")
    if given.presigned:
        return said or ("UNSIGNED-PAYLOAD" if given.service == "s3" else _EMPTY)
    if said and said.startswith(_UNSIGNED):
        return said
    return hashlib.sha256(message.body).hexdigest()
