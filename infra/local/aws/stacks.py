"""CloudFormation as the walk-through lives it: every change reaches its resource, a failure rolls back and says why.

moto changes a resource only where a parameter stands in it by ``Ref``, and leaves a failed stack half made. State of
knowledge: moto 5.2.5.
"""

from collections.abc import Callable
from datetime import date
from typing import Any, Final

from moto.cloudformation import models
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend
from moto.cloudformation.models import Stack as MotoStack
from moto.cloudformation.parsing import (
    ResourceMap,
    parse_and_update_resource,
    parse_resource_and_generate_name,
)

Record = Callable[[str, str, str, str, str | None], None]
_USER: Final = "User Initiated"


class Unsupported(Exception):
    """The stand-in cannot do to a resource what CloudFormation could."""


class Resources(ResourceMap):
    """A stack's resources. ``record`` is told of each step, as CloudFormation's events tell it."""

    record: Record

    def __getitem__(self, key: str) -> Any:
        """Return a resource, made now where it is not there yet; None where its condition does not hold."""
        if key in self._parsed_resources or not self._wanted(key):
            return self._parsed_resources.get(key) if key in self._resource_json_map else super().__getitem__(key)
        resource = self._step("CREATE", key, lambda: super(Resources, self).__getitem__(key))
        resource.cleaned = self._cleaned(key)
        return resource

    def update(self, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
        """Make, change and remove resources, in that order, until they are what the template says."""
        before = {key: self._resource_json_map[key] for key in self.made()}
        self._template, self._resource_json_map = template, template["Resources"]
        if parameters is not None:
            self.input_parameters = parameters
        self.resolved_parameters = {}
        self.load()
        for key in self._resource_json_map:
            if key in before and self._wanted(key):
                self._change(key)
            else:
                _ = self[key]
        for key in reversed(before):
            if not self._wanted(key):
                self._remove(key, before[key])

    def delete(self) -> None:
        """Remove all resources, the last made first, but those with the DeletionPolicy Retain."""
        for key in reversed(self.made()):
            if self._resource_json_map[key].get("DeletionPolicy") != "Retain":
                self._remove(key, self._resource_json_map[key])

    def made(self) -> list[str]:
        """Return the logical ids of the resources that are there, in the order they were made."""
        return [key for key in self._parsed_resources if key in self._resource_json_map]

    def _wanted(self, key: str) -> bool:
        described = self._resource_json_map.get(key)
        if described is None:
            return False
        condition = described.get("Condition")
        return condition is None or bool(self.lazy_condition_map[condition])

    def _cleaned(self, key: str) -> dict[str, Any]:
        _, cleaned, _ = parse_resource_and_generate_name(key, self._resource_json_map[key], self)
        properties: dict[str, Any] = cleaned["Properties"]
        return properties

    def _change(self, key: str) -> None:
        cleaned = self._cleaned(key)
        if cleaned != self._parsed_resources[key].cleaned:
            changed = self._step("UPDATE", key, lambda: self._changed(key))
            changed.cleaned = cleaned
            self._parsed_resources[key] = changed

    def _changed(self, key: str) -> Any:
        described = self._resource_json_map[key]
        changed: Any = parse_and_update_resource(key, described, self, self._account_id, self._region_name)
        if changed is None:
            raise Unsupported(f"the stand-in cannot change a {described['Type']}")
        return changed

    def _remove(self, key: str, described: dict[str, Any]) -> None:
        resource = self._parsed_resources[key]
        self._resource_json_map = {**self._resource_json_map, key: described}

        def delete() -> Any:
            self._delete_resource(resource, described)
            return resource

        self._step("DELETE", key, delete)
        del self._parsed_resources[key]
        if key not in self._template["Resources"]:
            del self._resource_json_map[key]

    def _step(self, verb: str, key: str, work: Callable[[], Any]) -> Any:
        kind = self._resource_json_map[key]["Type"]
        self.record(key, self._physical(key), kind, f"{verb}_IN_PROGRESS", None)
        try:
            done = _known(kind, work())
        except Exception as error:
            self.record(key, self._physical(key), kind, f"{verb}_FAILED", reason(error))
            raise
        self.record(key, done.physical_resource_id, kind, f"{verb}_COMPLETE", None)
        return done

    def _physical(self, key: str) -> str:
        return str(getattr(self._parsed_resources.get(key), "physical_resource_id", ""))


def _known(kind: str, resource: Any) -> Any:
    """Return a resource; moto makes nothing of a type that it does not know."""
    if resource is None:
        raise Unsupported(f"the stand-in has no {kind}")
    return resource


def reason(error: Exception) -> str:
    """Return what an event says of an error."""
    return str(getattr(error, "message", None) or str(error) or type(error).__name__)


def long_form(part: Any) -> Any:
    """Return a part of a template with ``!Condition``, ``Fn::GetAtt: A.B`` and unquoted dates as moto expects them."""
    if isinstance(part, list):
        return [long_form(each) for each in part]
    if isinstance(part, date):
        return part.isoformat()
    if not isinstance(part, dict):
        return part
    whole = {("Condition" if key == "Fn::Condition" else key): long_form(value) for key, value in part.items()}
    attribute = whole.get("Fn::GetAtt")
    return {"Fn::GetAtt": attribute.split(".", 1)} if isinstance(attribute, str) else whole


class Stack(MotoStack):
    """A stack that is made, changed and deleted in one go, and rolled back where that fails."""

    @staticmethod
    def parse_template(template: str) -> dict[str, Any]:
        """Read a template, YAML or JSON, every function in the form that moto knows."""
        parsed: dict[str, Any] = long_form(MotoStack.parse_template(template))
        return parsed

    def create_resources(self) -> None:
        """Make the resources; end in CREATE_COMPLETE or ROLLBACK_COMPLETE."""
        self.status = "CREATE_IN_PROGRESS"
        self.description = self.template_dict.get("Description")
        try:
            self.resource_map.create(self.template_dict)
        except Exception as error:  # noqa: BLE001 - whatever a resource says, CloudFormation rolls back
            self._add_stack_event("ROLLBACK_IN_PROGRESS", reason(error))
            self.resource_map.delete()
            self._end("ROLLBACK_COMPLETE")
        else:
            self._end("CREATE_COMPLETE")

    def update(
        self,
        template: str,
        role_arn: str | None = None,
        parameters: dict[str, Any] | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        """Change the resources; end in UPDATE_COMPLETE or UPDATE_ROLLBACK_COMPLETE."""
        before = (self.template, self.parameters)
        after = (template, self.parameters if parameters is None else parameters)
        if self.status == "ROLLBACK_COMPLETE":
            raise ValidationError(message=f"Stack:{self.stack_id} is in {self.status} state and can not be updated.")
        if before == after and tags in (None, self.tags):
            raise ValidationError(message="No updates are to be performed.")
        self._add_stack_event("UPDATE_IN_PROGRESS", _USER)
        try:
            self._apply(*after)
        except Exception as error:  # noqa: BLE001 - as above
            self._add_stack_event("UPDATE_ROLLBACK_IN_PROGRESS", reason(error))
            self._apply(*before)
            self._end("UPDATE_ROLLBACK_COMPLETE")
        else:
            self.role_arn, self.tags = role_arn, self.tags if tags is None else tags
            self._end("UPDATE_COMPLETE")

    @property
    def outputs(self) -> list[dict[str, Any]] | None:
        """Return the outputs of a stack that stands; looking at one that does not would make its resources."""
        standing = self.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
        return super().outputs if standing else None

    def delete(self) -> None:
        """Delete the resources; end in DELETE_COMPLETE or DELETE_FAILED."""
        self._add_stack_event("DELETE_IN_PROGRESS", _USER)
        try:
            self.resource_map.delete()
        except Exception as error:  # noqa: BLE001 - as above
            self.status = "DELETE_FAILED"
            self._add_stack_event("DELETE_FAILED", reason(error))
        else:
            self._end("DELETE_COMPLETE")

    def _apply(self, template: Any, parameters: dict[str, Any]) -> None:
        self.template, self.parameters = template, parameters
        self._parse_template()
        self.resource_map.update(self.template_dict, parameters)
        self.output_map = self._create_output_map()

    def _end(self, status: str) -> None:
        self.status = status
        self._add_stack_event(status)

    def _create_resource_map(self) -> Resources:
        resources = Resources(
            self.stack_id,
            self.name,
            self.parameters,
            self.tags,
            account_id=self.account_id,
            region_name=self.region_name,
            template=self.template_dict,
            cross_stack_resources=self.cross_stack_resources,
        )
        resources.record = self._record
        resources.load()
        return resources

    def _record(self, logical: str, physical: str, kind: str, status: str, why: str | None) -> None:
        self.events.append(
            models.Event(
                stack_id=self.stack_id,
                stack_name=self.name,
                logical_resource_id=logical,
                physical_resource_id=physical,
                resource_type=kind,
                resource_status=status,
                resource_status_reason=why,
                resource_properties=None,
            )
        )


_moto_delete: Final = CloudFormationBackend.delete_stack


def delete_stack(formation: CloudFormationBackend, name_or_stack_id: str) -> None:
    """Delete a stack; one that could not be deleted is there still, where moto counts it as deleted."""
    _moto_delete(formation, name_or_stack_id)
    for identifier, stack in list(formation.deleted_stacks.items()):
        if stack.status == "DELETE_FAILED":
            formation.stacks[identifier] = formation.deleted_stacks.pop(identifier)
