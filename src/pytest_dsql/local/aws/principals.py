"""Who holds an access key: IAM's users and the sessions of STS, with the policies that apply to them now."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC
from typing import Any, Final

from moto.iam.models import IAMBackend, Role, iam_backends
from moto.sts.models import sts_backends

from pytest_dsql.local.aws.names import PARTITION
from pytest_dsql.local.iam.principals import Credentials, Document, Principal

NOTHING: Final[Document] = {"Version": "2012-10-17", "Statement": []}


class IamPrincipals:
    """Principals of one account. Looked up anew each time: a policy that changes is felt at the next sign-in."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._iam = iam_backends[account][PARTITION]
        self._sts = sts_backends[account][PARTITION]

    def find(self, access_key_id: str) -> Credentials | None:
        """Return the credentials of an access key, None where there are none."""
        return self._session(access_key_id) or self._user(access_key_id)

    def role(self, arn: str) -> Principal | None:
        """Return a role as a principal, without a session; None where there is no such role."""
        found = find_role(self._iam, arn)
        if found is None:
            return None
        policies = tuple(_policies(found))
        return Principal(arn, self._account, policies, boundary=self._boundary(found), role_arn=arn)

    def _user(self, access_key_id: str) -> Credentials | None:
        for user in self._iam.users.values():
            for key in user.access_keys:
                if key.access_key_id == access_key_id:
                    policies = [*_policies(user)]
                    for group in self._iam.get_groups_for_user(user.name):
                        policies += _policies(group)
                    principal = Principal(user.arn, self._account, tuple(policies))
                    return Credentials(
                        access_key_id, key.secret_access_key, principal, active=key.status.lower() == "active"
                    )
        return None

    def _session(self, access_key_id: str) -> Credentials | None:
        session = self._sts.get_assumed_role_from_access_key(access_key_id)
        role = self.role(session.role_arn) if session else None
        if session is None or role is None:
            return None
        policies = (json.loads(session.policy),) if session.policy else ()
        principal = replace(role, arn=session.arn, session_policies=policies)
        return Credentials(
            access_key_id,
            session.secret_access_key,
            principal,
            session.session_token,
            session.expiration.replace(tzinfo=UTC),
        )

    def _boundary(self, role: Any) -> Document | None:
        """Return a role's boundary, None where it has none; one that was deleted allows nothing."""
        arn = role.permissions_boundary_arn
        if not arn:
            return None
        policy = self._iam.managed_policies.get(arn)
        return _managed(policy) if policy else NOTHING


def find_role(iam: IAMBackend, arn: str) -> Role | None:
    """Return moto's role by its ARN, None where there is none."""
    return next((each for each in iam.roles.values() if each.arn == arn), None)


def _policies(holder: Any) -> Iterable[Document]:
    for document in holder.policies.values():
        yield json.loads(document) if isinstance(document, str) else document
    for policy in holder.managed_policies.values():
        yield _managed(policy)


def _managed(policy: Any) -> Document:
    text = next(each.document for each in policy.versions if each.version_id == policy.default_version_id)
    document: Document = json.loads(text)
    return document
