"""AWS::IAM::RolePolicy and AWS::IAM::Policy: inline policies of roles, users and groups that other resources made."""

from collections.abc import Iterator
from typing import Any

from moto.iam.models import iam_backends

from pytest_dsql.local.aws.names import PARTITION
from pytest_dsql.local.aws.resources.base import Properties, Resource, ResourcePlace, document

Holder = tuple[str, str]
"""What holds a policy: ``("role", "its name")``."""


class Policy(Resource):
    """One document, inline in all that are named."""

    def __init__(self, name: str, physical: str) -> None:
        self._name, self.physical_resource_id = name, physical
        self._holders: list[Holder] = []

    @classmethod
    def make(cls, name: str, properties: Properties, place: ResourcePlace) -> "Policy":
        """Give the policy to all that are to have it."""
        made = cls(properties["PolicyName"], cls._physical(name, properties))
        try:
            made._put(properties, place.account)
        except Exception:
            made.delete(*place)
            raise
        return made

    @classmethod
    def change(cls, resource: "Policy", properties: Properties, place: ResourcePlace) -> "Policy":
        """Put the new policy in the place of the old one."""
        changed = cls.make(resource.physical_resource_id, properties, place)
        kept = {(changed._name, *each) for each in changed._holders}  # noqa: SLF001 - its own
        resource._take(place.account, kept)  # noqa: SLF001 - its own
        return changed

    @classmethod
    def _physical(cls, name: str, properties: Properties) -> str:  # noqa: ARG003
        return name

    def _put(self, properties: Properties, account_id: str) -> None:
        iam: Any = iam_backends[account_id][PARTITION]
        text = document(properties.get("PolicyDocument", {}))
        for kind, name in self._named(properties):
            getattr(iam, f"put_{kind}_policy")(name, self._name, text)
            self._holders.append((kind, name))

    def _named(self, properties: Properties) -> Iterator[Holder]:
        for kind in ("role", "user", "group"):
            yield from ((kind, name) for name in properties.get(f"{kind.capitalize()}s", ()))

    def delete(self, account_id: str, region_name: str) -> None:  # noqa: ARG002
        """Take the policy away; who is gone has it no more."""
        self._take(account_id, set())

    def _take(self, account_id: str, kept: set[tuple[str, str, str]]) -> None:
        iam: Any = iam_backends[account_id][PARTITION]
        holders = {"role": iam.roles, "user": iam.users, "group": iam.groups}
        for kind, name in self._holders:
            there = any(each.name == name for each in holders[kind].values())
            if there and (self._name, kind, name) not in kept:
                getattr(iam, f"delete_{kind}_policy")(name, self._name)


class RolePolicy(Policy):
    """One inline policy of one role."""

    @classmethod
    def _physical(cls, name: str, properties: Properties) -> str:  # noqa: ARG003
        return f"{properties['PolicyName']}|{properties['RoleName']}"

    def _named(self, properties: Properties) -> Iterator[Holder]:
        yield "role", properties["RoleName"]
