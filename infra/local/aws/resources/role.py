"""AWS::IAM::Role: its trust, its inline policies, the managed policies that it has."""

import json
from collections.abc import Mapping
from typing import Any

from moto.core.common_models import CloudFormationModel
from moto.iam.models import Role as MotoRole
from moto.iam.models import iam_backends

from infra.local.aws.formation.words import ResourceFailed
from infra.local.aws.names import PARTITION
from infra.local.aws.resources.base import tags


class Role(CloudFormationModel):
    """A role; what other resources give it stays when it is changed."""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether ``Fn::GetAtt`` knows the attribute."""
        return attr in {"Arn", "RoleId"}

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,  # noqa: ARG003
        **_: Any,
    ) -> MotoRole:
        """Create the role; raise ResourceFailed where its name is taken."""
        properties, iam = cloudformation_json["Properties"], iam_backends[account_id][PARTITION]
        if any(role.name == resource_name for role in iam.roles.values()):
            raise ResourceFailed(f"{resource_name} already exists")
        role = iam.create_role(
            role_name=resource_name,
            assume_role_policy_document=_document(properties["AssumeRolePolicyDocument"]),
            path=properties.get("Path", "/"),
            permissions_boundary=None,
            description=properties.get("Description", ""),
            tags=[],
            max_session_duration=str(properties.get("MaxSessionDuration", 3600)),
        )
        try:
            return _completed(role, properties, iam)
        except Exception:
            _remove(role, iam)
            raise

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,  # noqa: ARG003
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,  # noqa: ARG003
    ) -> MotoRole:
        """Change the role in place."""
        properties, iam = cloudformation_json["Properties"], iam_backends[account_id][PARTITION]
        original_resource.assume_role_policy_document = _document(properties["AssumeRolePolicyDocument"])
        original_resource.description = properties.get("Description", "")
        original_resource.max_session_duration = str(properties.get("MaxSessionDuration", 3600))
        return _completed(original_resource, properties, iam)

    @classmethod
    def delete_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],  # noqa: ARG003
        account_id: str,
        region_name: str,  # noqa: ARG003
    ) -> None:
        """Delete the role."""
        iam = iam_backends[account_id][PARTITION]
        _remove(iam.get_role(resource_name), iam)


def _completed(role: Any, properties: Mapping[str, Any], iam: Any) -> MotoRole:
    """Give a role the policies and tags of the template, and take those that were the template's before."""
    before: tuple[set[str], set[str]] = getattr(role, "of_template", (set(), set()))
    names: set[str] = set()
    role.of_template = (set(before[0]), set(before[1]))
    wanted = set(properties.get("ManagedPolicyArns", ()))
    for policy in properties.get("Policies", ()):
        role.put_policy(policy["PolicyName"], _document(policy["PolicyDocument"]))
        names.add(policy["PolicyName"])
        role.of_template[0].add(policy["PolicyName"])
    for arn in wanted:
        iam.attach_role_policy(arn, role.name)
        role.of_template[1].add(arn)
    for name in before[0] - names:
        role.policies.pop(name, None)
    for arn in before[1] - wanted:
        if arn in role.managed_policies:
            iam.detach_role_policy(arn, role.name)
    role.of_template = (names, wanted)
    role.permissions_boundary_arn = properties.get("PermissionsBoundary")
    role.tags = {key: {"Key": key, "Value": value} for key, value in tags(properties).items()}
    made: MotoRole = role
    return made


def _remove(role: Any, iam: Any) -> None:
    for arn in list(role.managed_policies):
        iam.detach_role_policy(arn, role.name)
    role.policies.clear()
    for profile in (
        iam.get_instance_profiles_for_role(role.name) if hasattr(iam, "get_instance_profiles_for_role") else ()
    ):
        profile.roles.remove(role)
    del iam.roles[role.id]


def _document(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
