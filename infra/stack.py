"""The stack: deployed, reused, changed, described and deleted, with plain boto3."""

import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from botocore.exceptions import ClientError

from infra.chapters import FUNCTION_NAME, STACK_NAME, Chapter
from infra.cloud import Cloud

TEMPLATE: Final = Path(__file__).parent / "template.yaml"
TAG: Final = "dsql-perspective"
"""Marks a stack as ours; its value is the hash of what was deployed."""
LIMIT_S: Final = 900.0
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 5.0


class StackError(Exception):
    """The stack is not what it was asked to be."""


class StackMissing(StackError):
    """There is no stack of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no stack {name}; make it with: python -m infra deploy --chapter 0")


class NotOurs(StackError):
    """A stack of that name exists and was not made here, so it is not touched."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"stack {name} exists and was not made by this project (it has no tag {TAG}); choose another name"
        )


class StackFailed(StackError):
    """CloudFormation gave up; the text holds the events that matter."""

    def __init__(self, name: str, status: str, events: list[str]) -> None:
        super().__init__("\n  ".join([f"stack {name} ended in {status}", *events]))
        self.events = events


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a stack tells of itself; there is no cluster before chapter 1."""

    function_name: str
    role_arn: str
    cluster_endpoint: str | None
    cluster_arn: str | None

    @classmethod
    def of(cls, stack: dict[str, Any]) -> Self:
        """Read them from CloudFormation's description."""
        values = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}
        return cls(
            values["FunctionName"], values["LambdaRoleArn"], values.get("ClusterEndpoint"), values.get("ClusterArn")
        )


@dataclass(frozen=True, slots=True)
class Deployment:
    """What deploying came to: ``created``, ``updated`` or ``reused``."""

    outcome: str
    described: dict[str, Any]

    @property
    def outputs(self) -> Outputs:
        """What the stack tells of itself."""
        return Outputs.of(self.described)


def _quiet(_: str) -> None:
    """Say nothing."""


class Stack:
    """One stack by its name; its function has the same one, but in the walk-through's own stack.

    ``report`` is told, in a line each, of what takes time.
    """

    def __init__(self, cloud: Cloud, name: str = STACK_NAME, report: Callable[[str], None] = _quiet) -> None:
        self.cloud, self.name = cloud, name
        self.function = FUNCTION_NAME if name == STACK_NAME else name
        self._report = report
        self._formation, self._s3 = cloud.client("cloudformation"), cloud.client("s3")

    @property
    def log_group(self) -> str:
        """Where CloudWatch Logs keeps what the function writes."""
        return f"/aws/lambda/{self.function}"

    # What is there

    def describe(self) -> dict[str, Any]:
        """Return CloudFormation's description; raise StackMissing."""
        try:
            described: dict[str, Any] = self._formation.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                raise StackMissing(self.name) from None
            raise
        return described

    def outputs(self) -> Outputs:
        """Return the stack's outputs; raise StackMissing."""
        return Outputs.of(self.describe())

    def exists(self) -> bool:
        """Whether there is such a stack; raise NotOurs where it is somebody else's."""
        return self._current() is not None

    def _current(self) -> dict[str, Any] | None:
        try:
            described = self.describe()
        except StackMissing:
            return None
        if TAG not in _tags(described):
            raise NotOurs(self.name)
        return described

    # Making and changing

    def deploy(self, chapter: Chapter, code: Path) -> Deployment:
        """Let the stack be as a chapter has it, running the zip ``code``; reuse it where it is so already.

        A cluster that is there stays, with what is in it, also for a chapter that needs none. Raises NotOurs,
        StackFailed, and botocore's ClientError.
        """
        current = self._current()
        if current and current["StackStatus"] in {"ROLLBACK_COMPLETE", "DELETE_FAILED"}:
            self.delete()
            current = None
        parameters = self._parameters(chapter, code, current)
        tag = _digest(TEMPLATE.read_bytes(), parameters)
        if current and _tags(current)[TAG] == tag and current["StackStatus"].endswith(("E_COMPLETE",)):
            return Deployment("reused", current)
        self._upload(code, parameters["CodeBucket"])
        return self._change(current, parameters, tag)

    def _change(self, current: dict[str, Any] | None, parameters: dict[str, str], tag: str) -> Deployment:
        change = self._formation.update_stack if current else self._formation.create_stack
        self._report(f"{'updating' if current else 'creating'} stack {self.name}")
        seen = {event["EventId"] for event in self._events()} if current else set[str]()
        try:
            change(
                StackName=self.name,
                TemplateBody=TEMPLATE.read_text(),
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Capabilities=["CAPABILITY_IAM"],
                Tags=[{"Key": TAG, "Value": tag}],
            )
        except ClientError as error:
            if current is None or "No updates are to be performed" not in str(error):
                raise
            return Deployment("reused", current)  # a failed change was rolled back to just this
        return Deployment("updated" if current else "created", self._wait(self.name, seen))

    def _parameters(self, chapter: Chapter, code: Path, current: dict[str, Any] | None) -> dict[str, str]:
        parameters = {
            **chapter.parameters,
            "FunctionName": self.function,
            "CodeBucket": self._bucket(),
            "CodeKey": code.name,
            "Runtime": f"python{self.cloud.platform.python}",
            "Architecture": self.cloud.platform.machine,
        }
        if current and Outputs.of(current).cluster_arn:
            parameters["WithCluster"] = "true"
        return parameters

    # The code's bucket

    def _bucket(self) -> str:
        return f"{TAG}-{self.cloud.account}-{self.cloud.region}"

    def _upload(self, code: Path, bucket: str) -> None:
        if self._uploaded(bucket, code.name):
            return
        self._report(f"uploading {code.name}, {code.stat().st_size / 1e6:.0f} MB")
        where = {} if self.cloud.region == "us-east-1" else {"LocationConstraint": self.cloud.region}
        with contextlib.suppress(self._s3.exceptions.BucketAlreadyOwnedByYou):
            self._s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": where} if where else {}))
        self._s3.put_object(Bucket=bucket, Key=code.name, Body=code.read_bytes())

    def _uploaded(self, bucket: str, key: str) -> bool:
        try:
            self._s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"404", "NoSuchBucket", "NoSuchKey"}:
                return False
            raise
        return True

    def remove_code(self) -> None:
        """Delete the zips that were uploaded, and their bucket; other stacks of ours must upload them again."""
        bucket = self._bucket()
        try:
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for each in page.get("Contents", ()):
                    self._s3.delete_object(Bucket=bucket, Key=each["Key"])
            self._s3.delete_bucket(Bucket=bucket)
        except self._s3.exceptions.NoSuchBucket:
            return

    # Ending

    def delete(self) -> None:
        """Delete the stack and all that is in it; do nothing where there is none. Raises NotOurs, StackFailed."""
        current = self._current()
        if current is None:
            return
        self._report(f"deleting stack {self.name}")
        identifier = current["StackId"]
        seen = {event["EventId"] for event in self._events()}
        self._formation.delete_stack(StackName=identifier)
        self._wait(identifier, seen)

    # Waiting

    def _wait(self, name: str, seen: set[str]) -> dict[str, Any]:
        """Wait until the stack rests, reporting its events; raise StackFailed where it rests in failure."""
        until = time.monotonic() + LIMIT_S
        pause, failures = FIRST_PAUSE_S, list[str]()
        while True:
            described: dict[str, Any] = self._formation.describe_stacks(StackName=name)["Stacks"][0]
            failures += self._tell(name, seen)
            status = described["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                break
            if time.monotonic() > until:
                raise StackFailed(self.name, f"{status} after {LIMIT_S:.0f} s", failures)
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_S)
        if "ROLLBACK" in status or status.endswith("_FAILED"):
            raise StackFailed(self.name, status, failures)
        return described

    def _tell(self, name: str, seen: set[str]) -> Iterator[str]:
        """Report events not seen before; yield what failed and why."""
        for event in sorted(self._events(name), key=lambda event: event["Timestamp"]):
            if event["EventId"] in seen:
                continue
            seen.add(event["EventId"])
            status, logical = event["ResourceStatus"], event["LogicalResourceId"]
            if logical == self.name:
                continue
            if status.endswith("_COMPLETE"):
                self._report(f"  {logical} {status.removesuffix('_COMPLETE').lower()}d")
            why = event.get("ResourceStatusReason", "")
            if status.endswith("_FAILED") and "cancelled" not in why:
                yield f"{logical} ({event['ResourceType']}): {why}"

    def _events(self, name: str | None = None) -> list[dict[str, Any]]:
        pages = self._formation.get_paginator("describe_stack_events").paginate(StackName=name or self.name)
        return [event for page in pages for event in page["StackEvents"]]


def _tags(described: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", ())}


def _digest(template: bytes, parameters: dict[str, str]) -> str:
    return hashlib.sha256(template + json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:32]


def to_stderr(line: str) -> None:
    """Report a line where a person sees it and a program's output stays clean."""
    print(line, file=sys.stderr, flush=True)
