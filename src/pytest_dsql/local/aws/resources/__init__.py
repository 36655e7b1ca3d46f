"""Resource types of CloudFormation that moto lacks, or makes by halves. State of knowledge: moto 5.2.5."""

from collections.abc import Mapping
from typing import Any, Final

from pytest_dsql.local.aws.resources.cluster import ClusterResource
from pytest_dsql.local.aws.resources.function import FunctionResource
from pytest_dsql.local.aws.resources.log_group import LogGroup
from pytest_dsql.local.aws.resources.nothing import Nothing
from pytest_dsql.local.aws.resources.of_functions import Alias, LayerVersion, Permission, Version
from pytest_dsql.local.aws.resources.policy import Policy, RolePolicy
from pytest_dsql.local.aws.resources.role import Role

TYPES: Final[Mapping[str, Any]] = {
    "AWS::CDK::Metadata": Nothing,
    "AWS::CloudFormation::WaitConditionHandle": Nothing,
    "AWS::DSQL::Cluster": ClusterResource,
    "AWS::IAM::Policy": Policy,
    "AWS::IAM::Role": Role,
    "AWS::IAM::RolePolicy": RolePolicy,
    "AWS::Lambda::Alias": Alias,
    "AWS::Lambda::Function": FunctionResource,
    "AWS::Lambda::LayerVersion": LayerVersion,
    "AWS::Lambda::Permission": Permission,
    "AWS::Lambda::Version": Version,
    "AWS::Logs::LogGroup": LogGroup,
}
"""The classes by their types."""
