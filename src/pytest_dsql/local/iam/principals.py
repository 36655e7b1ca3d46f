"""Principals, their credentials, and where both are looked up."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

Document = Mapping[str, object]
"""A policy document, as JSON gives it."""

_SESSION: Final = re.compile(r"arn:(?P<partition>[^:]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/:]+)/[^/:]+")
_ROLE: Final = re.compile(r"(?P<owner>arn:[^:]+:iam::\d{12}:role)/(?P<path>(?:[^:]*/)?)(?P<name>[^/:]+)")


@dataclass(frozen=True, slots=True)
class Principal:
    """An IAM user, a session of a role, or the account's root user, with the policies that apply to it.

    ``role_arn`` may give the role's full ARN, path included; a session's own ARN has lost the path.
    """

    arn: str
    account: str
    policies: tuple[Document, ...] = field(default=(), repr=False, hash=False)
    boundary: Document | None = field(default=None, repr=False, hash=False)
    session_policies: tuple[Document, ...] = field(default=(), repr=False, hash=False)
    role_arn: str | None = None

    @property
    def iam_arn(self) -> str:
        """The ARN of the IAM user or role: for a session its role's, otherwise the principal's own.

        Source: IAM user guide, IAM identifiers and aws:PrincipalArn, 2026-10.
        """
        if self.role_arn is not None:
            return self.role_arn
        session = _SESSION.fullmatch(self.arn)
        return "arn:{partition}:iam::{account}:role/{role}".format(**session.groupdict()) if session else self.arn

    @property
    def is_session(self) -> bool:
        """Whether this is a session of a role."""
        return _SESSION.fullmatch(self.arn) is not None

    @property
    def is_root(self) -> bool:
        """Whether this is the account's root user."""
        return self.arn.endswith(f":iam::{self.account}:root")


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key and whose it is; temporary ones have a session token and an expiry (an aware datetime)."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    principal: Principal
    session_token: str | None = field(default=None, repr=False)
    expiry: datetime | None = None
    active: bool = True


class Principals(Protocol):
    """Where credentials are looked up."""

    def find(self, access_key_id: str) -> Credentials | None:
        """Return the credentials of an access key, None where there are none."""
        ...


class PrincipalTable:
    """Credentials in memory."""

    def __init__(self, credentials: Iterable[Credentials] = ()) -> None:
        self._by_key: dict[str, Credentials] = {}
        for each in credentials:
            self.add(each)

    def find(self, access_key_id: str) -> Credentials | None:
        """Return the credentials of an access key, None where there are none."""
        return self._by_key.get(access_key_id)

    def add(self, credentials: Credentials) -> None:
        """Add an access key; raise ValueError where it is there already."""
        if credentials.access_key_id in self._by_key:
            raise ValueError(f"access key {credentials.access_key_id} is there already")
        self._by_key[credentials.access_key_id] = credentials

    def replace(self, credentials: Credentials) -> None:
        """Put new credentials in the place of those with the same access key; raise KeyError where there are none."""
        if credentials.access_key_id not in self._by_key:
            raise KeyError(credentials.access_key_id)
        self._by_key[credentials.access_key_id] = credentials

    def remove(self, access_key_id: str) -> None:
        """Remove an access key; raise KeyError where there is none."""
        del self._by_key[access_key_id]


class Either:
    """Credentials of whoever of several has them, the first asked first."""

    def __init__(self, *principals: Principals) -> None:
        self._principals = principals

    def find(self, access_key_id: str) -> Credentials | None:
        """Return the credentials of an access key, None where nobody has them."""
        found = (each.find(access_key_id) for each in self._principals)
        return next((each for each in found if each is not None), None)


def maps_to(principal: Principal, arn: str) -> bool:
    """Whether ``AWS IAM GRANT … TO '<arn>'`` is about this principal: its user, or the role of its session.

    A role is known by its name, which is unique in an account; its path is compared where both ARNs have one.
    The ARN of a session is not an IAM ARN, so nothing maps to it (Aurora DSQL user guide, "IAM role must look like
    an IAM ARN", 2026-10).
    """
    own = principal.iam_arn
    if own == arn:
        return ":iam:" in arn
    mine, named = _ROLE.fullmatch(own), _ROLE.fullmatch(arn)
    if mine is None or named is None or (mine["path"] and named["path"]):
        return False
    return (mine["owner"], mine["name"]) == (named["owner"], named["name"])
