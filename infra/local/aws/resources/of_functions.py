"""What belongs to a function: Permission, Version, Alias and LayerVersion."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from moto.awslambda.models import lambda_backends

from infra.local.aws.resources.base import Resource
from infra.local.aws.resources.code import stored


class Permission(Resource):
    """AWS::Lambda::Permission: a statement of a function's policy."""

    attributes: ClassVar[Mapping[str, str]] = {"Id": "physical_resource_id"}

    def __init__(self, function: str, sid: str) -> None:
        self._function, self.physical_resource_id = function, sid

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> "Permission":
        """Add the statement."""
        properties = dict(cloudformation_json["Properties"])
        name, qualifier = _named(properties.pop("FunctionName"))
        sid = resource_name
        backend = lambda_backends[account_id][region_name]
        backend.add_permission(name, qualifier, json.dumps({**properties, "StatementId": sid}))  # type: ignore[arg-type]
        return cls(name, sid)

    def delete(self, account_id: str, region_name: str) -> None:
        """Take the statement away."""
        lambda_backends[account_id][region_name].remove_permission(self._function, self.physical_resource_id)


class Version(Resource):
    """AWS::Lambda::Version: a function as it is now, for good."""

    attributes: ClassVar[Mapping[str, str]] = {"FunctionArn": "physical_resource_id", "Version": "version"}

    def __init__(self, function: Any) -> None:
        self._name, self.version = function.function_name, str(function.version)
        self.physical_resource_id = function.function_arn

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,  # noqa: ARG003
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> "Version":
        """Publish the version."""
        properties = cloudformation_json["Properties"]
        name, _qualifier = _named(properties["FunctionName"])
        backend = lambda_backends[account_id][region_name]
        backend.get_function(name)
        return cls(backend.publish_version(name, properties.get("Description", "")))

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: "Version", *_: Any, **__: Any) -> "Version":
        """Leave the version as it is: what is published does not change."""
        return original_resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the version."""
        lambda_backends[account_id][region_name].delete_function(self._name, self.version)


class Alias(Resource):
    """AWS::Lambda::Alias: another name of a version."""

    attributes: ClassVar[Mapping[str, str]] = {"AliasArn": "physical_resource_id"}

    def __init__(self, alias: Any, function: str) -> None:
        self._name, self._function, self.physical_resource_id = alias.name, function, alias.arn

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,  # noqa: ARG003
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> "Alias":
        """Make the alias."""
        properties = cloudformation_json["Properties"]
        function, _qualifier = _named(properties["FunctionName"])
        made = lambda_backends[account_id][region_name].create_alias(function_name=function, **_alias(properties))
        return cls(made, function)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "Alias",
        new_resource_name: str,  # noqa: ARG003
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> "Alias":
        """Let the alias mean another version."""
        asked = {**_alias(cloudformation_json["Properties"]), "function_name": original_resource._function}  # noqa: SLF001
        lambda_backends[account_id][region_name].update_alias(**asked)
        return original_resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the alias."""
        lambda_backends[account_id][region_name].delete_alias(self._name, self._function)


def _alias(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": properties["Name"],
        "function_version": str(properties["FunctionVersion"]),
        "description": str(properties.get("Description", "")),
        "routing_config": "",
    }


class LayerVersion(Resource):
    """AWS::Lambda::LayerVersion: files that functions find in /opt."""

    attributes: ClassVar[Mapping[str, str]] = {"LayerVersionArn": "physical_resource_id"}

    def __init__(self, layer: Any) -> None:
        self._layer, self._version, self.physical_resource_id = layer.name, layer.version, layer.arn

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> "LayerVersion":
        """Publish the version of the layer."""
        properties = cloudformation_json["Properties"]
        content = stored(account_id, properties["Content"])
        spec = {**properties, "LayerName": resource_name, "Content": content}
        return cls(lambda_backends[account_id][region_name].publish_layer_version(spec))

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the version of the layer."""
        lambda_backends[account_id][region_name].delete_layer_version(self._layer, self._version)


def _named(reference: str) -> tuple[str, str | None]:
    """Return a function's name and its qualifier, of a name or an ARN."""
    name, _, qualifier = reference.rpartition(":function:")[2].partition(":")
    return name, qualifier or None
