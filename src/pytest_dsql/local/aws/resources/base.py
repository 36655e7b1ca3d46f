"""What resources share."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from moto.core.common_models import CloudFormationModel

from pytest_dsql.local.aws.formation.templates.words import ResourceFailed

Properties = Mapping[str, Any]
"""What a template says of a resource, each property of the type that its schema has."""


class ResourcePlace(NamedTuple):
    """Where a resource is: the account and its Region."""

    account: str
    region: str


class ResourceKind(CloudFormationModel):
    """A resource type, as moto calls it. What it makes may be an object of moto's own."""

    @classmethod
    def make(cls, name: str, properties: Properties, place: ResourcePlace) -> Any:
        """Make a resource; raise ResourceFailed, or an error of its service."""
        raise NotImplementedError

    @classmethod
    def change(cls, resource: Any, properties: Properties, place: ResourcePlace) -> Any:  # noqa: ARG003 - for those that can
        """Change a resource in place and return it, or what is there instead; raise as ``make`` does."""
        raise ResourceFailed("the stand-in cannot change it")

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> Any:
        """Make a resource."""
        return cls.make(resource_name, cloudformation_json["Properties"], ResourcePlace(account_id, region_name))

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,  # noqa: ARG003 - it is the one that it has
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> Any:
        """Change a resource in place."""
        return cls.change(original_resource, cloudformation_json["Properties"], ResourcePlace(account_id, region_name))


class Resource(ResourceKind):
    """A resource whose attributes are known by name."""

    attributes: ClassVar[Mapping[str, str]] = {}
    """Attributes for ``Fn::GetAtt``, and the names that they have here."""
    physical_resource_id: str

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether ``Fn::GetAtt`` knows the attribute."""
        return attr in cls.attributes

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """Return the attribute's value; raise ResourceFailed where there is none of that name."""
        if attribute_name not in self.attributes:
            raise ResourceFailed(f"there is no attribute {attribute_name}")
        return str(getattr(self, self.attributes[attribute_name]))


def tags(properties: Properties) -> dict[str, str]:
    """Return a resource's tags."""
    return {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags", ())}


def document(value: Any) -> str:
    """Return a policy document as the text that services keep; a template may have either."""
    return value if isinstance(value, str) else json.dumps(value)
