"""What Lambda's invocation side asks of the account: functions, their role's credentials, their logs."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import lambda_backends
from moto.iam.models import iam_backends
from moto.logs.models import LogEvent, logs_backends
from moto.sts.models import sts_backends

from pytest_dsql.local.aws.names import PARTITION
from pytest_dsql.local.aws.principals import IamPrincipals, find_role
from pytest_dsql.local.functions.invoke.account import Code, Function, SessionCredentials
from pytest_dsql.local.functions.invoke.errors import FunctionNotFound, InvalidParameter, NotActive
from pytest_dsql.local.functions.invoke.facts import CONCURRENCY
from pytest_dsql.local.iam.policies import allows

SESSION_S: Final = 12 * 3600
KEPT_EVENTS: Final = 2_000
"""Log events kept a stream, so that a long storm does not fill the memory; CloudWatch Logs keeps them all."""


class MotoAccount:
    """The account as moto has it."""

    def __init__(
        self,
        account: str,
        region: str,
        variables: Callable[[], Mapping[str, str]],
        concurrency: int = CONCURRENCY,
    ) -> None:
        """``concurrency`` is the account's quota of executions at a time."""
        self.account, self.region, self.concurrency = account, region, concurrency
        self.variables = variables
        self._prefix = f"arn:{PARTITION}:lambda:{region}:{account}:function:"
        self._lambda = lambda_backends[account][region]
        self._iam = iam_backends[account][PARTITION]
        self._sts = sts_backends[account][PARTITION]
        self._logs = logs_backends[account][region]
        self._principals = IamPrincipals(account)
        self._ended: Counter[str] = Counter()
        self._layers: dict[str, Code] = {}
        self._described: dict[str, tuple[Any, Function]] = {}

    def function(self, reference: str, qualifier: str | None) -> Function:
        """Return a function as it stands now; raise FunctionNotFound."""
        try:
            found = self._lambda.get_function(reference, qualifier)
        except LambdaClientError:
            raise FunctionNotFound(self._arn(reference, qualifier)) from None
        if found.state != "Active":
            raise NotActive(found.state)
        key = found.function_arn
        state = self._state(found)
        known = self._described.get(key)
        reserved = found.reserved_concurrency
        if known is None or known[0] != (state, reserved):
            known = self._described[key] = ((state, reserved), self._describe(found, state))
        return known[1]

    def _arn(self, reference: str, qualifier: str | None) -> str:
        name = reference.rpartition(":function:")[2] or reference
        return ":".join(filter(None, (self._prefix + name, qualifier)))

    def _state(self, found: Any) -> tuple[Any, ...]:
        """Return all that an environment is made of: a change of it is a new revision."""
        names = (
            "change",
            "code_sha_256",
            "handler",
            "role",
            "run_time",
            "timeout",
            "memory_size",
            "reserved_concurrency",
        )
        layers = [each["Arn"] for each in found.layers]
        variables = dict(found.environment_vars)
        return (*(getattr(found, name, None) for name in names), self._ended[found.role], variables, layers)

    def _describe(self, found: Any, state: tuple[Any, ...]) -> Function:
        return Function(
            name=found.function_name,
            arn=self._prefix + found.function_name,
            version=str(found.version),
            runtime=found.run_time,
            handler=found.handler,
            role=found.role,
            timeout_s=int(found.timeout),
            memory_mb=int(found.memory_size),
            variables={name: str(value) for name, value in found.environment_vars.items()},
            code=Code(found.code_bytes, found.code_sha_256),
            revision=hashlib.sha256(repr(state).encode()).hexdigest(),
            reserved=None if found.reserved_concurrency is None else int(found.reserved_concurrency),
            log_group=found.logs_group_name,
            layers=tuple(filter(None, (self._layer(each["Arn"]) for each in found.layers))),
        )

    def _layer(self, arn: str) -> Code | None:
        """Return a layer's version; one that is deleted serves on the functions that have it."""
        found = self._lambda.layers_versions_by_arn(arn)
        if found is not None:
            self._layers[arn] = Code(found.code_bytes, found.code_sha_256)
        return self._layers.get(arn)

    def credentials(self, role: str, session: str) -> SessionCredentials:
        """Assume a function's role; raise InvalidParameter where Lambda may not, or where there is no such role."""
        found = find_role(self._iam, role)
        if found is None or not _trusts_lambda(json.loads(found.assume_role_policy_document)):
            raise InvalidParameter("The role defined for the function cannot be assumed by Lambda.")
        assumed = self._sts.assume_role(
            region_name=self.region,
            role_session_name=session,
            role_arn=role,
            policy="",
            duration=SESSION_S,
            external_id="",
        )
        expires = assumed.expiration.replace(tzinfo=UTC)
        return SessionCredentials(assumed.access_key_id, assumed.secret_access_key, assumed.session_token, expires)

    def expire_sessions(self, role: str) -> int:
        """End the sessions of a role now, as their 12 hours would; return how many there were.

        Lambda gives environments whose credentials end no more work.
        """
        self._ended[role] += 1
        ended = [each for each in self._sts.assumed_roles if each.role_arn == role]
        for each in ended:
            each.expiration = datetime.now(UTC).replace(tzinfo=None)
        return len(ended)

    def write_logs(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Write log events as the function's role may: without the permission, or a group, nothing is written."""
        role = next((each.role for each in self._lambda.list_functions() if each.logs_group_name == group), None)
        if role is None:
            return
        if group not in self._logs.groups and self._may(role, "logs:CreateLogGroup", group):
            self._logs.create_log_group(group, {})
        if group not in self._logs.groups or not self._may(role, "logs:PutLogEvents", f"{group}:log-stream:{stream}"):
            return
        if stream not in self._logs.groups[group].streams:
            self._logs.create_log_stream(group, stream)
        ordered = [{"timestamp": at, "message": line} for at, line in sorted(events, key=lambda event: event[0])]
        self._logs.put_log_events(group, stream, ordered)
        kept = self._logs.groups[group].streams[stream].events
        del kept[:-KEPT_EVENTS]
        # Where moto keeps all that there ever was, to show on its own page.
        LogEvent.instances_tracked.clear()  # type: ignore[attr-defined]

    def _may(self, role: str, action: str, name: str) -> bool:
        principal = self._principals.role(role)
        resource = f"arn:{PARTITION}:logs:{self.region}:{self.account}:log-group:{name}"
        return principal is not None and allows(principal, action, resource, {}).allowed


def _trusts_lambda(document: Mapping[str, Any]) -> bool:
    """Whether a role's trust policy lets Lambda assume it."""
    statements = document.get("Statement", ())
    for statement in [statements] if isinstance(statements, Mapping) else statements:
        services = statement.get("Principal", {}).get("Service", ())
        named = [services] if isinstance(services, str) else services
        if statement.get("Effect") == "Allow" and "lambda.amazonaws.com" in named:
            return True
    return False
