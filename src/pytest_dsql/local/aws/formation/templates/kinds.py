"""The resource types that the stand-in makes: its own classes, and those of moto's that do what they say."""

from typing import Any, Final

from moto.cloudformation.parsing import get_model_map

from pytest_dsql.local.aws.resources import TYPES

_OF_MOTO: Final = frozenset(
    {
        "AWS::IAM::ManagedPolicy",
        "AWS::KMS::Alias",
        "AWS::KMS::Key",
        "AWS::Kinesis::Stream",
        "AWS::S3::Bucket",
    }
)
KINDS: Final = TYPES.keys() | _OF_MOTO
_MACROS: Final = ("AWS::CloudFormation::", "AWS::Serverless::", "Custom::")
"""Types that AWS knows, and that have no schema of a resource."""


def known(kind: str) -> bool:
    """Whether AWS knows a type though it has no schema."""
    return kind.startswith(_MACROS)


def of(kind: str) -> Any:
    """Return the class that makes resources of a type."""
    return TYPES.get(kind) or get_model_map()[kind]


def has_attribute(kind: str, name: str) -> bool:
    """Whether ``Fn::GetAtt`` knows an attribute of a type."""
    return bool(of(kind).has_cfn_attr(name))
