"""Resource types of CloudFormation that moto lacks, or changes by halves. State of knowledge: moto 5.2.5.

``TYPES`` goes into moto's table of types.
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.core.common_models import CloudFormationModel
from moto.dsql.models import dsql_backends
from moto.iam.models import Role as MotoRole
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from infra.local.aws.dsql.backend import Clusters
from infra.local.aws.names import PARTITION


class ResourceFailed(Exception):
    """A resource cannot be made or changed; the text is what CloudFormation's event says."""


class Cluster(CloudFormationModel):
    """AWS::DSQL::Cluster. Attributes as in its resource schema of 2026-09."""

    attributes: ClassVar[Mapping[str, str]] = {
        "Identifier": "identifier",
        "Endpoint": "endpoint",
        "ResourceArn": "arn",
        "Status": "status",
        "VpcEndpointServiceName": "endpoint_service_name",
    }

    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster
        self.physical_resource_id = cluster.identifier

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether ``Fn::GetAtt`` knows the attribute."""
        return attr in cls.attributes

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """Return the attribute's value; raise ResourceFailed where there is none of that name."""
        if attribute_name not in self.attributes:
            raise ResourceFailed(f"AWS::DSQL::Cluster has no attribute {attribute_name}")
        return str(getattr(self.cluster, self.attributes[attribute_name]))

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,  # noqa: ARG003
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> "Cluster":
        """Create the cluster; deletion protection is on unless the template takes it off, as on AWS."""
        properties = cloudformation_json["Properties"]
        cluster = dsql_backends[account_id][region_name].create_cluster(
            _flag(properties.get("DeletionProtectionEnabled", True)),
            {tag["Key"]: tag["Value"] for tag in properties.get("Tags", ())},
            None,
        )
        return cls(Clusters.settled(cluster))

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "Cluster",
        new_resource_name: str,  # noqa: ARG003
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> "Cluster":
        """Change tags and deletion protection in place."""
        properties = cloudformation_json["Properties"]
        protected = _flag(properties.get("DeletionProtectionEnabled", True))
        backend = dsql_backends[account_id][region_name]
        backend.update_cluster(original_resource.physical_resource_id, protected, None, None)
        original_resource.cluster.tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", ())}
        return original_resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the cluster."""
        dsql_backends[account_id][region_name].delete_cluster(self.physical_resource_id)


def _flag(value: Any) -> bool:
    return str(value).lower() == "true"


class Function(CloudFormationModel):
    """AWS::Lambda::Function, of a zip in S3."""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether ``Fn::GetAtt`` knows the attribute."""
        return LambdaFunction.has_cfn_attr(attr)

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> LambdaFunction:
        """Create the function; raise ResourceFailed where its name is taken or its code is not there."""
        properties = cloudformation_json["Properties"]
        backend = lambda_backends[account_id][region_name]
        if any(each.function_name == resource_name for each in backend.list_functions()):
            raise ResourceFailed(f"Function already exist: {resource_name}")
        _check_code(account_id, properties["Code"])
        function = LambdaFunction.create_from_cloudformation_json(
            resource_name, cloudformation_json, account_id, region_name
        )
        return _completed(function, properties)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: LambdaFunction,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> LambdaFunction:
        """Change configuration and code in place."""
        properties = cloudformation_json["Properties"]
        if properties.get("FunctionName", new_resource_name) != original_resource.function_name:
            raise ResourceFailed("the stand-in cannot rename a function")
        _check_code(account_id, properties["Code"])
        LambdaFunction.update_from_cloudformation_json(
            original_resource, new_resource_name, cloudformation_json, account_id, region_name
        )
        return _completed(original_resource, properties)


def _completed(function: LambdaFunction, properties: dict[str, Any]) -> LambdaFunction:
    """Set what moto leaves out; ``change`` tells this change from one that is taken back before an invocation."""
    function.change = uuid.uuid4().hex  # type: ignore[attr-defined]
    function.architectures = properties.get("Architectures", ["x86_64"])
    function.tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", ())}
    function.timeout, function.memory_size = int(function.timeout), int(function.memory_size)
    function.reserved_concurrency = properties.get("ReservedConcurrentExecutions")
    if "Environment" not in properties:
        function.environment_vars = {}
    return function


def _check_code(account: str, code: dict[str, str]) -> None:
    """Raise ResourceFailed where S3 has no such object."""
    if "S3Bucket" not in code:
        return
    backend = s3_backends[account][PARTITION]
    if code["S3Bucket"] not in backend.buckets or not backend.get_object(code["S3Bucket"], code["S3Key"]):
        raise ResourceFailed(
            "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not "
            "exist."
        )


class Role(CloudFormationModel):
    """AWS::IAM::Role, with its inline policies."""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether ``Fn::GetAtt`` knows the attribute."""
        return MotoRole.has_cfn_attr(attr)

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> MotoRole:
        """Create the role."""
        role = MotoRole.create_from_cloudformation_json(resource_name, cloudformation_json, account_id, region_name)
        return _with_policies(role, cloudformation_json["Properties"])

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,  # noqa: ARG003
        cloudformation_json: dict[str, Any],
        account_id: str,  # noqa: ARG003
        region_name: str,  # noqa: ARG003
    ) -> MotoRole:
        """Change the role's policies in place; those that other resources gave it stay."""
        properties = cloudformation_json["Properties"]
        for policy in original_resource.cleaned.get("Policies", ()):
            original_resource.delete_policy(policy["PolicyName"])
        original_resource.assume_role_policy_document = json.dumps(properties["AssumeRolePolicyDocument"])
        return _with_policies(original_resource, properties)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        """Delete the role."""
        MotoRole.delete_from_cloudformation_json(resource_name, cloudformation_json, account_id, region_name)


def _with_policies(role: MotoRole, properties: dict[str, Any]) -> MotoRole:
    for policy in properties.get("Policies", ()):
        role.put_policy(policy["PolicyName"], json.dumps(policy["PolicyDocument"]))
    return role


class RolePolicy(CloudFormationModel):
    """AWS::IAM::RolePolicy: one inline policy of a role that another resource made."""

    def __init__(self, role: str, name: str) -> None:
        self._role, self._name = role, name
        self.physical_resource_id = f"{name}|{role}"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:  # noqa: ARG003
        """Whether ``Fn::GetAtt`` knows the attribute: there is none."""
        return False

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,  # noqa: ARG003
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,  # noqa: ARG003
        **_: Any,
    ) -> "RolePolicy":
        """Give the role the policy."""
        properties = cloudformation_json["Properties"]
        policy = cls(properties["RoleName"], properties["PolicyName"])
        document = json.dumps(properties["PolicyDocument"])
        iam_backends[account_id][PARTITION].put_role_policy(policy._role, policy._name, document)
        return policy

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "RolePolicy",
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> "RolePolicy":
        """Put the new policy in the place of the old one."""
        changed = cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)
        if changed.physical_resource_id != original_resource.physical_resource_id:
            original_resource.delete(account_id, region_name)
        return changed

    def delete(self, account_id: str, region_name: str) -> None:  # noqa: ARG002
        """Take the policy from the role."""
        iam_backends[account_id][PARTITION].delete_role_policy(self._role, self._name)


TYPES: Final[Mapping[str, Any]] = {
    "AWS::DSQL::Cluster": Cluster,
    "AWS::IAM::Role": Role,
    "AWS::IAM::RolePolicy": RolePolicy,
    "AWS::Lambda::Function": Function,
}
