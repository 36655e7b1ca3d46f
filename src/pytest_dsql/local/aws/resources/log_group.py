"""AWS::Logs::LogGroup."""

from collections.abc import Mapping
from typing import Any, ClassVar

from moto.logs.models import logs_backends

from pytest_dsql.local.aws.formation.templates.words import ResourceFailed
from pytest_dsql.local.aws.resources.base import Properties, Resource, ResourcePlace, tags


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
    def make(cls, name: str, properties: Properties, place: ResourcePlace) -> "LogGroup":
        """Make the group; raise ResourceFailed where its name is taken."""
        logs = logs_backends[place.account][place.region]
        if name in logs.groups:
            raise ResourceFailed(f"{name} already exists")
        logs.create_log_group(name, {})
        return cls(logs.groups[name]).completed(properties, logs)

    @classmethod
    def change(cls, resource: "LogGroup", properties: Properties, place: ResourcePlace) -> "LogGroup":
        """Change how long events are kept, and the tags."""
        return resource.completed(properties, logs_backends[place.account][place.region])

    def completed(self, properties: Properties, logs: Any) -> "LogGroup":
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
