"""Stacks, change sets and exports of one Region."""

from collections.abc import Mapping
from typing import Any

from moto.cloudformation.models import ChangeSet, CloudFormationBackend
from moto.cloudformation.parsing import Export
from moto.cloudformation.utils import generate_stack_id

from pytest_dsql.local.aws.formation.stacks import StackRecord
from pytest_dsql.local.aws.formation.templates.text import parse
from pytest_dsql.local.aws.formation.templates.words import invalid


class Formations(CloudFormationBackend):
    """CloudFormation's backend, with stacks that roll back."""

    # moto finds a backend's URLs beside the module that it names.
    __module__ = CloudFormationBackend.__module__

    @property
    def exports(self) -> dict[str, Export]:
        """What all stacks export, by name: an export is free as soon as its stack is gone."""
        return {each.name: each for stack in self.stacks.values() for each in stack.exports}

    @exports.setter
    def exports(self, value: object) -> None:
        """Take no notice: moto would keep a list of its own."""

    def create_stack(self, name: str, template: str, parameters: dict[str, Any], **more: Any) -> Any:  # type: ignore[override]
        """Make a stack; a failure is its status."""
        identifier = generate_stack_id(name, self.region_name, self.account_id)
        more = {key: value for key, value in more.items() if value is not None}
        stack = StackRecord(  # type: ignore[abstract]
            identifier,
            name,
            template,
            parameters,
            self.account_id,
            self.region_name,
            cross_stack_resources=self.exports,
            **more,
        )
        self.stacks[identifier] = stack
        self._make(stack)
        return stack

    def _make(self, stack: Any) -> None:
        stack.create_resources()
        if stack.status == "DELETE_COMPLETE":
            self._forget(stack)

    def _forget(self, stack: Any) -> None:
        self.deleted_stacks[stack.stack_id] = self.stacks.pop(stack.stack_id)

    def _resolve_update_parameters(self, instance: Any, incoming_params: list[dict[str, Any]]) -> dict[str, Any]:
        return merged(incoming_params, instance.stack_parameters)

    def update_stack(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Change a stack; a failure is its status."""
        stack: Any = self.get_stack(name)
        stack.resource_map.cross_stack_resources = self.exports
        return super().update_stack(name, *arguments, **named)

    def execute_change_set(self, change_set_name: str, stack_name: str | None = None) -> None:  # noqa: ARG002
        """Make or change a stack as a change set says."""
        found: Any = self.describe_change_set(change_set_name)
        if found.execution_status != "AVAILABLE":
            text = f"ChangeSet [{found.change_set_id}] cannot be executed in its current status of [{found.status}]"
            raise invalid(text)
        stack: Any = self.stacks[found.stack_id]
        found.execution_status = "EXECUTE_COMPLETE"
        if found.change_set_type == "CREATE":
            stack.template, stack.parameters, stack.tags = found.template, found.parameters, found.tags or {}
            stack.cross_stack_resources = self.exports
            stack._parse_template()  # noqa: SLF001 - a stack of moto's is made in parts
            stack.resource_map = stack._create_resource_map()  # noqa: SLF001
            self._make(stack)
        else:
            stack.resource_map.cross_stack_resources = self.exports
            stack.update(found.template, found.role_arn, found.parameters, found.tags or None)

    def delete_stack(self, name_or_stack_id: str) -> None:
        """Delete a stack; one that could not be deleted is there still, and says why."""
        stack: Any = next(
            (each for each in self.stacks.values() if name_or_stack_id in {each.name, each.stack_id}), None
        )
        if stack is None:
            return
        if stack.enable_termination_protection:
            raise invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        importer = self._importer(stack)
        if importer:
            stack.refuse_deletion(importer)
            return
        stack.delete()
        if stack.status == "DELETE_COMPLETE":
            self._forget(stack)

    def _importer(self, stack: Any) -> str | None:
        """Say which stack still uses an export of this one, None where none does."""
        names = {each.name for each in stack.exports}
        for other in self.stacks.values():
            used = names & getattr(other.resource_map, "imports", set())
            if used and other is not stack:
                return f"Export {min(used)} cannot be deleted as it is in use by {other.name}"
        return None


def merged(incoming: list[dict[str, Any]], previous: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request's parameters, those with UsePreviousValue from before; raise ValidationError."""
    values = {}
    for each in incoming:
        key = each.get("ParameterKey", "")
        if each.get("UsePreviousValue"):
            if key not in previous:
                raise invalid(f"Invalid template parameter: there is no previous value of {key}")
            values[key] = previous[key]
        elif "ParameterValue" in each:
            values[key] = each["ParameterValue"]
    return values


def read_change_set(change_set: ChangeSet) -> None:
    """Read the template of a change set, in moto's place."""
    change_set.template_dict = parse(change_set.template)
