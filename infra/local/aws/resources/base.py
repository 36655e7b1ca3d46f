"""What resources share."""

from collections.abc import Mapping
from typing import Any, ClassVar

from moto.core.common_models import CloudFormationModel

from infra.local.aws.formation.words import ResourceFailed


class Resource(CloudFormationModel):
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


def flag(value: Any) -> bool:
    """Return a boolean of a template, which may be a text."""
    return str(value).lower() == "true"


def tags(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return a resource's tags."""
    return {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags", ())}
