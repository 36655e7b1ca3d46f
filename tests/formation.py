"""A stack by its resources, for tests of CloudFormation's stand-in."""

import json
import time
import uuid
from typing import Any, Final

from infra.cloud import Cloud

LIMIT_S: Final = 30.0
CAPABILITIES: Final = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
TRUST: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
GROUP: Final[dict[str, Any]] = {"Type": "AWS::Logs::LogGroup"}
CLUSTER: Final[dict[str, Any]] = {"Type": "AWS::DSQL::Cluster", "Properties": {"DeletionProtectionEnabled": False}}


def policy(name: str, action: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return {"PolicyName": name, "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


def role(*policies: dict[str, Any], trust: dict[str, Any] = TRUST) -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust, "Policies": [*policies]}}


class Formation:
    """A stack by its resources."""

    def __init__(self, cloud: Cloud) -> None:
        self.name, self._formation = f"test-{uuid.uuid4().hex[:8]}", cloud.client("cloudformation")
        self.said: dict[str, Any] = {}
        """More that the caller says: parameters, tags, other capabilities."""

    def create(self, template: str | None = None, /, **resources: dict[str, Any]) -> str:
        """Create the stack and return its status."""
        body = template or self._template(resources)
        self._formation.create_stack(
            StackName=self.name, TemplateBody=body, **{"Capabilities": CAPABILITIES, **self.said}
        )
        return self.rests()

    def update(self, template: str | None = None, /, **resources: dict[str, Any]) -> str:
        """Change the stack and return its status."""
        body = template or self._template(resources)
        self._formation.update_stack(
            StackName=self.name, TemplateBody=body, **{"Capabilities": CAPABILITIES, **self.said}
        )
        return self.rests()

    def rests(self) -> str:
        """Wait until nothing is in progress, and return the status."""
        until = time.monotonic() + LIMIT_S
        while self.status.endswith("_IN_PROGRESS"):
            assert time.monotonic() < until
        return self.status

    @property
    def outputs(self) -> dict[str, str]:
        """What the stack shows."""
        return {each["OutputKey"]: each["OutputValue"] for each in self.described.get("Outputs", ())}

    @property
    def described(self) -> dict[str, Any]:
        return dict(self._formation.describe_stacks(StackName=self.name)["Stacks"][0])

    @property
    def status(self) -> str:
        return str(self.described["StackStatus"])

    def delete(self) -> None:
        self._formation.delete_stack(StackName=self.name)

    def id(self, logical: str) -> str:
        """Return the physical id of a resource."""
        found = self._formation.describe_stack_resource(StackName=self.name, LogicalResourceId=logical)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def reasons(self) -> list[str]:
        """Return why steps failed, the first first."""
        events = self._formation.describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [each for each in events if each["ResourceStatus"].endswith("_FAILED")]
        return [each.get("ResourceStatusReason", "") for each in sorted(failed, key=lambda each: each["Timestamp"])]

    @staticmethod
    def _template(resources: dict[str, dict[str, Any]]) -> str:
        return json.dumps({"Resources": resources})
