"""The guard: every request to the control plane passes him, or is refused."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pytest_dsql.local.aws.door.actions import needed
from pytest_dsql.local.aws.door.operations import Operation, operation, protocol
from pytest_dsql.local.aws.door.refusals import DENIED, ELSEWHERE, refusal
from pytest_dsql.local.http import Request, Response
from pytest_dsql.local.iam.context import context
from pytest_dsql.local.iam.policies import Decision, allows
from pytest_dsql.local.iam.principals import Credentials, Document, Principal, Principals
from pytest_dsql.local.iam.refusals import unauthorized
from pytest_dsql.local.iam.signatures import Signature, SignedParts, Unsigned, check, read, verify

GLOBAL: Final = frozenset({"iam", "s3", "sts"})
"""The services that are asked for all Regions, or by whoever does not know which."""
OTHER_REGION: Final = "the stand-in has the Region {own} alone; this request is for {other}"
REMEMBERED_S: Final = 1.0
"""How long it is remembered who may invoke a function, unless something else is asked of the control plane."""


class Guard:
    """Lets requests pass as their callers' policies say."""

    def __init__(self, principals: Principals, region: str, account: str) -> None:
        self._principals, self._region, self._account = principals, region, account
        self._invokers: dict[tuple[str, str], tuple[Credentials, float]] = {}

    def refuses(self, request: Request) -> Response | None:
        """Return the refusal of a request to moto, None where it may pass."""
        self._invokers.clear()  # whatever it is, it may change who may do what
        message = SignedParts(request.method, request.target, request.headers, request.body)
        try:
            given = read(message)
        except Unsigned as error:
            return refusal("rest-xml", error.cause)
        how = protocol(given.service)
        try:
            caller = verify(message, given, self._principals, datetime.now(UTC)).principal
        except Unsigned as error:
            return refusal(how, error.cause)
        if elsewhere := self._elsewhere(given):
            return refusal(how, ELSEWHERE, elsewhere)
        asked = operation(given.service, message)
        text = self._denial(caller, asked, given) if asked else None
        return refusal(how, DENIED, text) if text else None

    def refuses_invocation(self, request: Request) -> Response | None:
        """Return the refusal of an invocation, None where it may pass: as above, and quickly."""
        message = SignedParts(request.method, request.target, request.headers, request.body)
        try:
            given = read(message)
            key = (given.access_key_id, request.target)
            known, until = self._invokers.get(key, (None, 0.0))
            if known is not None and time.monotonic() < until and known.session_token == given.session_token:
                check(message, given, known, datetime.now(UTC))
                return None
            credentials = verify(message, given, self._principals, datetime.now(UTC))
        except Unsigned as error:
            return refusal("rest-json", error.cause)
        if elsewhere := self._elsewhere(given):
            return refusal("rest-json", ELSEWHERE, elsewhere)
        asked = operation("lambda", message)
        text = self._denial(credentials.principal, asked, given) if asked else None
        if text:
            return refusal("rest-json", DENIED, text)
        self._invokers[key] = credentials, time.monotonic() + REMEMBERED_S
        return None

    def _elsewhere(self, given: Signature) -> str | None:
        """Say that a request is for another Region, None where it is not, or where its service has none."""
        if given.service in GLOBAL or given.region == self._region:
            return None
        return OTHER_REGION.format(own=self._region, other=given.region)

    def _denial(self, caller: Principal, asked: Operation, given: Signature) -> str | None:
        for action, resource in needed(asked, given.region, self._account):
            decision = self._decide(caller, action, resource)
            if not decision.allowed:
                return unauthorized(decision, arn=caller.arn, action=action, resource=resource).hint
        return None

    def _decide(self, caller: Principal, action: str, resource: str) -> Decision:
        assumes = action == "sts:AssumeRole"
        policy, tags = self._cluster(resource) if action.startswith("dsql:") else (None, {})
        keys = {**context(caller, self._region, datetime.now(UTC), tags), "aws:SourceIp": "127.0.0.1"}
        return allows(caller, action, resource, keys, self._trust(resource) if assumes else policy, trusted=assumes)

    def _cluster(self, arn: str) -> tuple[Document | None, Mapping[str, str]]:
        """Return a cluster's policy and tags."""
        from moto.dsql.models import dsql_backends

        from pytest_dsql.local.aws.dsql.policies import effective

        identifier = arn.rpartition(":cluster/")[2].partition("/")[0]
        found: Any = dsql_backends[self._account][self._region].clusters.get(identifier)
        return (effective(found.policy), found.tags) if found else (None, {})

    def _trust(self, arn: str) -> Document:
        """Return a role's trust policy, as a resource's policy; one that trusts nobody where there is no such role."""
        from moto.iam.models import iam_backends

        from pytest_dsql.local.aws.names import PARTITION
        from pytest_dsql.local.aws.principals import NOTHING, find_role

        found = find_role(iam_backends[self._account][PARTITION], arn)
        if found is None:
            return NOTHING
        document = json.loads(found.assume_role_policy_document)
        statements = document.get("Statement", [])
        listed = statements if isinstance(statements, list) else [statements]
        return {**document, "Statement": [{**each, "Resource": "*"} for each in listed]}
