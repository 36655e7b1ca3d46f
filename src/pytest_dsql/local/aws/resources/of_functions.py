"""What belongs to a function: Permission, Version, Alias and LayerVersion."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from moto.awslambda.models import lambda_backends

from pytest_dsql.local.aws.resources.base import Properties, Resource, ResourcePlace
from pytest_dsql.local.aws.resources.code import stored


class Permission(Resource):
    """AWS::Lambda::Permission: a statement of a function's policy."""

    attributes: ClassVar[Mapping[str, str]] = {"Id": "physical_resource_id"}

    def __init__(self, function: str, sid: str) -> None:
        self._function, self.physical_resource_id = function, sid

    @classmethod
    def make(cls, name: str, properties: Properties, place: ResourcePlace) -> "Permission":
        """Add the statement."""
        function, qualifier = _named(properties["FunctionName"])
        statement = {key: value for key, value in properties.items() if key != "FunctionName"}
        backend = lambda_backends[place.account][place.region]
        backend.add_permission(function, qualifier, json.dumps({**statement, "StatementId": name}))  # type: ignore[arg-type]
        return cls(function, name)

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
    def make(cls, name: str, properties: Properties, place: ResourcePlace) -> "Version":  # noqa: ARG003 - it has a number
        """Publish the version."""
        function, _qualifier = _named(properties["FunctionName"])
        backend = lambda_backends[place.account][place.region]
        return cls(backend.publish_version(function, properties.get("Description", "")))

    @classmethod
    def change(cls, resource: "Version", *_: Any) -> "Version":
        """Leave the version as it is: what is published does not change."""
        return resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the version."""
        lambda_backends[account_id][region_name].delete_function(self._name, self.version)


class Alias(Resource):
    """AWS::Lambda::Alias: another name of a version."""

    attributes: ClassVar[Mapping[str, str]] = {"AliasArn": "physical_resource_id"}

    def __init__(self, alias: Any, function: str) -> None:
        self._name, self._function, self.physical_resource_id = alias.name, function, alias.arn

    @classmethod
    def make(cls, name: str, properties: Properties, place: ResourcePlace) -> "Alias":  # noqa: ARG003 - the template names it
        """Make the alias."""
        function, _qualifier = _named(properties["FunctionName"])
        backend = lambda_backends[place.account][place.region]
        return cls(backend.create_alias(function_name=function, **_alias(properties)), function)

    @classmethod
    def change(cls, resource: "Alias", properties: Properties, place: ResourcePlace) -> "Alias":
        """Let the alias mean another version."""
        backend = lambda_backends[place.account][place.region]
        backend.update_alias(function_name=resource._function, **_alias(properties))  # noqa: SLF001 - its own
        return resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the alias."""
        lambda_backends[account_id][region_name].delete_alias(self._name, self._function)


def _alias(properties: Properties) -> dict[str, Any]:
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
    def make(cls, name: str, properties: Properties, place: ResourcePlace) -> "LayerVersion":
        """Publish the version of the layer."""
        spec = {**properties, "LayerName": name, "Content": stored(place.account, properties["Content"])}
        return cls(lambda_backends[place.account][place.region].publish_layer_version(spec))

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the version of the layer."""
        lambda_backends[account_id][region_name].delete_layer_version(self._layer, self._version)


def _named(reference: str) -> tuple[str, str | None]:
    """Return a function's name and its qualifier, of a name or an ARN."""
    name, _, qualifier = reference.rpartition(":function:")[2].partition(":")
    return name, qualifier or None
