"""AWS::Logs::LogGroup."""

from collections.abc import Mapping
from typing import Any, ClassVar

from moto.logs.models import logs_backends

from infra.local.aws.formation.words import ResourceFailed
from infra.local.aws.resources.base import Resource, tags


class LogGroup(Resource):
    """A log group."""

    attributes: ClassVar[Mapping[str, str]] = {"Arn": "arn"}

    def __init__(self, group: Any) -> None:
        self._group, self.physical_resource_id = group, group.name
        self._tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        """The ARN of the group's streams, as CloudFormation gives it."""
        return f"{str(self._group.arn).removesuffix(':*')}:*"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> "LogGroup":
        """Make the group; raise ResourceFailed where its name is taken."""
        properties, logs = cloudformation_json["Properties"], logs_backends[account_id][region_name]
        if resource_name in logs.groups:
            raise ResourceFailed(f"{resource_name} already exists")
        logs.create_log_group(resource_name, {})
        return cls(logs.groups[resource_name]).completed(properties, logs)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "LogGroup",
        new_resource_name: str,  # noqa: ARG003
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> "LogGroup":
        """Change how long events are kept, and the tags."""
        logs = logs_backends[account_id][region_name]
        return original_resource.completed(cloudformation_json["Properties"], logs)

    def completed(self, properties: Mapping[str, Any], logs: Any) -> "LogGroup":
        """Set what the template says, and return the group."""
        days = properties.get("RetentionInDays")
        self._group.retention_in_days = None if days is None else int(days)
        logs.untag_log_group(self._group.name, list(self._tags))
        self._tags = tags(properties)
        logs.tag_log_group(self._group.name, self._tags)
        return self

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the group and all that is in it."""
        logs_backends[account_id][region_name].delete_log_group(self.physical_resource_id)
