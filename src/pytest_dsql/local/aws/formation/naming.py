"""Names of resources: the template's, or one of CloudFormation's making: stack, logical id, and letters by chance."""

import secrets
import string
from collections.abc import Mapping
from typing import Any, Final

NAMES: Final = {
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
}
"""The property that holds a resource's name, by its type."""
_LONGEST: Final = {"AWS::Lambda::Function": 64, "AWS::IAM::Role": 64, "AWS::S3::Bucket": 63}
_LETTERS: Final = string.ascii_uppercase + string.digits
_BY_CHANCE: Final = 12


def name_of(kind: str, logical: str, stack: str, properties: Mapping[str, Any]) -> str:
    """Return a resource's name, a new one where the template gives it none."""
    given = properties.get(NAMES.get(kind, ""))
    if given:
        return str(given)
    left = _LONGEST.get(kind, 128) - _BY_CHANCE - 2
    if len(stack) + len(logical) > left:
        stack = stack[: left // 2]
        logical = logical[: left - len(stack)]
    name = f"{stack}-{logical}-{''.join(secrets.choice(_LETTERS) for _ in range(_BY_CHANCE))}"
    return name.lower() if kind == "AWS::S3::Bucket" else name
