"""AWS::CDK::Metadata, which ``cdk synth`` adds to every template, and handles: there is nothing to do for them."""

import uuid
from typing import Any

from infra.local.aws.resources.base import Resource


class Nothing(Resource):
    """A resource that has a name alone."""

    def __init__(self) -> None:
        self.physical_resource_id = str(uuid.uuid4())

    @classmethod
    def create_from_cloudformation_json(cls, *_: Any, **__: Any) -> "Nothing":
        """Give it a name."""
        return cls()

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: "Nothing", *_: Any, **__: Any) -> "Nothing":
        """Leave it as it is."""
        return original_resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Do nothing."""
