"""AWS::CDK::Metadata, which ``cdk synth`` adds to every template, and handles: there is nothing to do for them."""

import uuid
from typing import Any

from pytest_dsql.local.aws.resources.base import Resource


class Nothing(Resource):
    """A resource that has a name alone."""

    def __init__(self) -> None:
        self.physical_resource_id = str(uuid.uuid4())

    @classmethod
    def make(cls, *_: Any) -> "Nothing":
        """Give it a name."""
        return cls()

    @classmethod
    def change(cls, resource: "Nothing", *_: Any) -> "Nothing":
        """Leave it as it is."""
        return resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Do nothing."""
