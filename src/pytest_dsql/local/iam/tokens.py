"""Authentication tokens of Aurora DSQL, checked as the service checks them.

A token is a GET request for ``https://<host>/?Action=<action>``, presigned with Signature Version 4 and written
without its scheme. Sources: botocore's signer, 1.44; Aurora DSQL user guide, authentication, 2026-10.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest

from pytest_dsql.local.iam import refusals
from pytest_dsql.local.iam.context import context
from pytest_dsql.local.iam.policies import allows
from pytest_dsql.local.iam.principals import Credentials, Document, Principal, Principals

ADMIN: Final = "admin"
SERVICE: Final = "dsql"
SKEW: Final = timedelta(minutes=5)
LONGEST_LIFE_S: Final = 604_800

_TOKEN: Final = re.compile(r"([A-Za-z0-9.-]+)/\?(.*)", re.DOTALL)
_PAIR: Final = re.compile(r"([A-Za-z-]+)=((?:[A-Za-z0-9_.~/-]|%[0-9A-Fa-f]{2})*)")
_DATE: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_DATE_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_LIFE: Final = re.compile(r"[1-9][0-9]*")
_SIGNATURE: Final = "X-Amz-Signature"
_SESSION: Final = "X-Amz-Security-Token"
_REQUIRED: Final = frozenset(
    {
        "Action",
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        _SIGNATURE,
    }
)


@dataclass(frozen=True, slots=True)
class ClusterIdentity:
    """The cluster that is asked for; ``policy`` is its resource-based policy."""

    identifier: str
    region: str
    account: str
    policy: Document | None = field(default=None, repr=False, hash=False)
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    partition: str = "aws"

    @property
    def arn(self) -> str:
        """The cluster's ARN."""
        return f"arn:{self.partition}:{SERVICE}:{self.region}:{self.account}:cluster/{self.identifier}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a client has told before its password: the host name in TLS, the database user, its own IP address."""

    host: str
    user: str
    address: str | None = None


class _Key(NamedTuple):
    """What botocore's signer needs of credentials; importing its own class would bring the credential providers."""

    secret_key: str


@dataclass(frozen=True, slots=True, repr=False)
class _Token:
    """A token whose form is right; nothing in it is believed yet. It has no repr, lest it be shown."""

    host: str
    fields: Mapping[str, str]
    access_key_id: str
    scope: tuple[str, ...]
    issued: datetime
    life: timedelta


def verify(token: str, attempt: Attempt, cluster: ClusterIdentity, principals: Principals, now: datetime) -> Principal:
    """Return the principal that signed ``token``, which may sign in to ``cluster`` as ``attempt.user``.

    Raises AccessDenied with the cause as its hint. The caller still has to look up the mapping that every user
    other than admin needs (``maps_to``).
    """
    parsed = _parse(token)
    if parsed.host.lower() != attempt.host.lower():
        raise refusals.WRONG_HOST.refusal()
    _check_scope(parsed, cluster)
    credentials = _authenticated(parsed, cluster.region, principals)
    _check_time(parsed, credentials, now.astimezone(UTC))
    named = parsed.fields["Action"]
    if named != ("DbConnectAdmin" if attempt.user == ADMIN else "DbConnect"):
        raise refusals.WRONG_ACTION.refusal(user=attempt.user, action=named)
    _authorize(credentials.principal, f"{SERVICE}:{named}", attempt, cluster, now)
    return credentials.principal


def _parse(token: str) -> _Token:
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        raise refusals.NOT_A_TOKEN.refusal()
    fields = _fields(parts[2])
    if fields is None:
        raise refusals.MALFORMED.refusal()
    access_key_id, *scope = fields["X-Amz-Credential"].split("/")
    issued = _date(fields["X-Amz-Date"])
    fixed = (fields["X-Amz-Algorithm"], fields["X-Amz-SignedHeaders"])
    known_action = fields["Action"] in {"DbConnect", "DbConnectAdmin"}
    if fixed != ("AWS4-HMAC-SHA256", "host") or not known_action or issued is None or len(scope) != 4:
        raise refusals.MALFORMED.refusal()
    return _Token(parts[1], fields, access_key_id, tuple(scope), issued, _life(fields["X-Amz-Expires"]))


def _life(text: str) -> timedelta:
    """Read how long a token serves."""
    if not _LIFE.fullmatch(text):
        raise refusals.WRONG_EXPIRES.refusal()
    if len(text) > len(str(LONGEST_LIFE_S)) or int(text) > LONGEST_LIFE_S:
        raise refusals.TOO_LONG.refusal()
    return timedelta(seconds=int(text))


def _fields(query: str) -> dict[str, str] | None:
    """Read the query: the keys of a token, each of them once and no other; None where it is anything else."""
    fields: dict[str, str] = {}
    for text in query.split("&"):
        pair = _PAIR.fullmatch(text)
        if pair is None or pair[1] in fields:
            return None
        try:
            fields[pair[1]] = unquote_to_bytes(pair[2]).decode()
        except UnicodeDecodeError:
            return None
    return fields if fields.keys() - {_SESSION} == _REQUIRED else None


def _date(text: str) -> datetime | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _check_scope(token: _Token, cluster: ClusterIdentity) -> None:
    date, region, service, terminator = token.scope
    if terminator != "aws4_request":
        raise refusals.WRONG_SCOPE.refusal()
    if service != SERVICE:
        raise refusals.WRONG_SERVICE.refusal()
    if region != cluster.region:
        raise refusals.WRONG_REGION.refusal()
    if date != token.fields["X-Amz-Date"][:8]:
        raise refusals.WRONG_DATE.refusal()


def _authenticated(token: _Token, region: str, principals: Principals) -> Credentials:
    """Return the credentials that the token was signed with."""
    credentials = principals.find(token.access_key_id)
    if credentials is None:
        raise refusals.UNKNOWN_KEY.refusal()
    if not credentials.active:
        raise refusals.INACTIVE_KEY.refusal()
    if not _same(_signature(token, credentials.secret_access_key, region), token.fields[_SIGNATURE]):
        raise refusals.WRONG_SIGNATURE.refusal()
    shown, held = token.fields.get(_SESSION), credentials.session_token
    if (shown is None) is not (held is None) or not _same(shown or "", held or ""):
        raise refusals.WRONG_SESSION_TOKEN.refusal()
    return credentials


def _signature(token: _Token, secret: str, region: str) -> str:
    """Sign the token's request again, at the token's own date."""
    signed = {key: value for key, value in token.fields.items() if key != _SIGNATURE}
    request = AWSRequest("GET", f"https://{token.host}/", params=signed)
    request.context["timestamp"] = token.fields["X-Amz-Date"]
    key: Any = _Key(secret)
    signer = SigV4QueryAuth(key, SERVICE, region)
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _check_time(token: _Token, credentials: Credentials, now: datetime) -> None:
    """Refuse a token outside its life. The skew is allowed at the begin only; no record tells of one at the end."""
    if credentials.expiry is not None and now >= credentials.expiry:
        raise refusals.EXPIRED_CREDENTIALS.refusal()
    if token.issued > now + SKEW:
        raise refusals.NOT_YET.refusal(issued=_text(token.issued), limit=_text(now + SKEW), now=_text(now))
    if now > token.issued + token.life:
        raise refusals.EXPIRED.refusal(issued=_text(token.issued), limit=_text(now - SKEW), now=_text(now))


def _text(moment: datetime) -> str:
    return moment.strftime(_DATE_FORMAT)


def _authorize(principal: Principal, action: str, attempt: Attempt, cluster: ClusterIdentity, now: datetime) -> None:
    if principal.account != cluster.account and cluster.policy is None:
        raise refusals.OTHER_ACCOUNT.refusal(arn=principal.arn)
    keys = {**context(principal, cluster.region, now, cluster.tags), "aws:ResourceAccount": cluster.account}
    if attempt.address is not None:
        keys["aws:SourceIp"] = attempt.address
    decision = allows(principal, action, cluster.arn, keys, cluster.policy)
    if not decision.allowed:
        raise refusals.unauthorized(decision, arn=principal.arn, action=action, resource=cluster.arn)
