"""What a caller must say that he knows: that a template makes identities. Source: CreateStack's reference, 2026-11."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from pytest_dsql.local.aws.formation.templates.words import InsufficientCapabilities

_MAKES: Final = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}


def check(template: Mapping[str, Any], given: Collection[str]) -> None:
    """Raise InsufficientCapabilities where a template makes identities and the caller has not said so."""
    identities = [each for each in template["Resources"].values() if each["Type"].startswith("AWS::IAM::")]
    named = any(_MAKES.get(each["Type"]) in each.get("Properties", {}) for each in identities)
    if named and "CAPABILITY_NAMED_IAM" not in given:
        raise InsufficientCapabilities("Requires capabilities : [CAPABILITY_NAMED_IAM]")
    if identities and not {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"} & set(given):
        raise InsufficientCapabilities("Requires capabilities : [CAPABILITY_IAM]")
