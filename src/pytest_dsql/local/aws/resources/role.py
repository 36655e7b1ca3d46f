"""AWS::IAM::Role: its trust, its inline policies, the managed policies that it has."""

from typing import Any

from moto.iam.models import Role as MotoRole
from moto.iam.models import iam_backends

from pytest_dsql.local.aws.formation.templates.words import ResourceFailed
from pytest_dsql.local.aws.names import PARTITION
from pytest_dsql.local.aws.resources.base import Properties, ResourceKind, ResourcePlace, document, tags


class Role(ResourceKind):
    """A role; what other resources give it stays when it is changed."""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether ``Fn::GetAtt`` knows the attribute."""
        return attr in {"Arn", "RoleId"}

    @classmethod
    def make(cls, name: str, properties: Properties, place: ResourcePlace) -> MotoRole:
        """Create the role; raise ResourceFailed where its name is taken."""
        iam = iam_backends[place.account][PARTITION]
        if any(role.name == name for role in iam.roles.values()):
            raise ResourceFailed(f"{name} already exists")
        role = iam.create_role(
            role_name=name,
            assume_role_policy_document=document(properties["AssumeRolePolicyDocument"]),
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
    def change(cls, resource: Any, properties: Properties, place: ResourcePlace) -> MotoRole:
        """Change the role in place."""
        resource.assume_role_policy_document = document(properties["AssumeRolePolicyDocument"])
        resource.description = properties.get("Description", "")
        resource.max_session_duration = str(properties.get("MaxSessionDuration", 3600))
        return _completed(resource, properties, iam_backends[place.account][PARTITION])

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


def _completed(role: Any, properties: Properties, iam: Any) -> MotoRole:
    """Give a role the policies and tags of the template, and take those that were the template's before."""
    before: tuple[set[str], set[str]] = getattr(role, "of_template", (set(), set()))
    names: set[str] = set()
    role.of_template = (set(before[0]), set(before[1]))
    wanted = set(properties.get("ManagedPolicyArns", ()))
    for policy in properties.get("Policies", ()):
        role.put_policy(policy["PolicyName"], document(policy["PolicyDocument"]))
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
    for profile in iam.get_instance_profiles_for_role(role.name):
        profile.roles.remove(role)
    del iam.roles[role.id]
