"""A stack's resources: made, changed and removed in the order of their needs, every step told as an event."""

import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final

from moto.cloudformation.exceptions import ExportNotFound
from moto.cloudformation.parsing import ResourceMap
from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

from pytest_dsql.local.aws.formation.naming import NAMES, name_of
from pytest_dsql.local.aws.formation.templates import intrinsic, kinds, references, schemas
from pytest_dsql.local.aws.formation.templates.words import ResourceFailed, readable
from pytest_dsql.local.aws.resources import TYPES

Record = Callable[[str, str, str, str, str | None], None]
_GONE: Final = frozenset(
    {"NoSuchBucket", "NoSuchEntity", "NotFoundException", "ResourceNotFoundException", "UnknownAliasException"}
)
_RENAME: Final = (
    "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name} and update "
    "the stack again."
)


class Failed(Exception):
    """A step has failed, and its event is told."""

    def __init__(self, logical: str, why: str) -> None:
        super().__init__(why)
        self.logical = logical


class Conditions(dict[str, bool]):
    """A template's conditions, evaluated when they are asked for."""

    def __init__(self, declared: Mapping[str, Any], resources: "Resources") -> None:
        super().__init__()
        self._declared, self._resources = declared, resources

    def __missing__(self, name: str) -> bool:
        self[name] = intrinsic.holds(self._declared[name], self._resources)
        return self[name]


class Resources(ResourceMap):
    """A stack's resources. ``record`` is told of each step, as CloudFormation's events tell it."""

    record: Record

    # What the template says

    def load(self) -> None:
        """Take in parameters, mappings and conditions."""
        self.mappings: dict[str, Any] = self._template.get("Mappings", {})
        self.imports: set[str] = set()
        self._replaced: dict[str, Any] = {}
        self.load_parameters()
        self.lazy_condition_map: Any = Conditions(self._template.get("Conditions", {}), self)

    def load_parameters(self) -> None:
        """Take in the parameters, each as its type has it."""
        declared = self._template.get("Parameters", {})
        self.no_echo_parameter_keys = [name for name, each in declared.items() if each.get("NoEcho")]
        self.resolved_parameters = {
            name: intrinsic.text(self.input_parameters.get(name, each.get("Default")))
            for name, each in declared.items()
        }
        for name, value in self.resolved_parameters.items():
            listed = "List" in declared[name]["Type"]
            self._parsed_resources[name] = [each.strip() for each in value.split(",")] if listed else value

    def imported(self, name: str) -> Any:
        """Return what another stack exports by a name; raise ValidationError where nobody does."""
        found = (self.cross_stack_resources or {}).get(name)
        if found is None:
            raise ExportNotFound(name)
        self.imports.add(name)
        return found.value

    @property
    def resources(self) -> list[str]:
        """The logical ids of the resources that are there: whoever goes through them makes none."""
        return self.made()

    def made(self) -> list[str]:
        """Return the logical ids of the resources that are there, in the order they were made."""
        return [key for key in self._parsed_resources if key in self._resource_json_map]

    def __len__(self) -> int:
        return len(self.made())

    def __getitem__(self, key: str) -> Any:
        """Return a value or a resource; None for a resource whose condition does not hold."""
        if key not in self._parsed_resources and key in self._resource_json_map:
            return None
        return self._parsed_resources[key]

    def _wanted(self, key: str) -> bool:
        described = self._resource_json_map.get(key)
        if described is None or key not in self._template["Resources"]:
            return False
        condition = described.get("Condition")
        return condition is None or self.lazy_condition_map[condition]

    def _properties(self, key: str) -> dict[str, Any]:
        described = self._resource_json_map[key]
        properties: dict[str, Any] = intrinsic.resolve(described.get("Properties", {}), self)
        properties = schemas.typed(described["Type"], properties, self._region_name)
        schemas.check(key, described["Type"], properties, self._region_name)
        return properties

    def _has_tags(self, kind: str) -> bool:
        """Whether the tags of the stack go to resources of a type.

        What moto makes by itself has no tags that can be changed: it has its own alone.
        """
        shape = (schemas.schema(kind, self._region_name) or {}).get("properties", {}).get("Tags", {})
        return kind in TYPES and shape.get("type") == "array"

    def _tagged(self, kind: str, properties: dict[str, Any]) -> dict[str, Any]:
        """Return properties with the tags of the stack, where such a resource has tags."""
        if not self.tags or not self._has_tags(kind):
            return properties
        own = properties.get("Tags", [])
        named = {tag["Key"] for tag in own}
        more = [{"Key": key, "Value": value} for key, value in self.tags.items() if key not in named]
        return {**properties, "Tags": own + more}

    # Making, changing, removing

    def create(self, template: dict[str, Any]) -> bool:
        """Make all resources; raise Failed."""
        for key in references.order(template["Resources"]):
            if self._wanted(key):
                self._make(key)
        return True

    def update(self, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
        """Make and change resources until they are what the template says; raise Failed.

        What is not needed any more stays until ``clean`` or, where the change is taken back, ``restore``.
        """
        self._before = {key: self._resource_json_map[key] for key in self.made()}
        self._template, self._resource_json_map = template, {**self._before, **template["Resources"]}
        if parameters is not None:
            self.input_parameters = parameters
        self.load()
        for key in references.order(template["Resources"]):
            if self._wanted(key):
                self._change(key) if key in self._before else self._make(key)

    def clean(self) -> None:
        """Remove what a change has made superfluous; what cannot be removed is told, and stays."""
        for key, old in self._replaced.items():
            if self._resource_json_map[key].get("UpdateReplacePolicy") != "Retain":
                self._attempt(key, old, self._before[key])
        for key in reversed(self._before):
            if not self._wanted(key):
                if self._before[key].get("DeletionPolicy") not in {"Retain", "RetainExceptOnCreate"}:
                    self._attempt(key, self._parsed_resources[key], self._before[key])
                del self._parsed_resources[key]
        self._resource_json_map = self._template["Resources"]
        self._replaced = {}

    def restore(self) -> None:
        """Put resources that were replaced back in their places."""
        for key, old in self._replaced.items():
            self._attempt(key, self._parsed_resources[key], self._resource_json_map[key])
            self._parsed_resources[key] = old
        self._replaced = {}

    def delete(self, *, rollback: bool = False) -> list[str]:  # type: ignore[override]
        """Remove all resources, the last made first, but those to be retained; return those that could not be."""
        kept = {"Retain"} if rollback else {"Retain", "RetainExceptOnCreate"}
        failed = []
        for key in reversed(self.made()):
            described = self._resource_json_map[key]
            if described.get("DeletionPolicy") not in kept and not self._attempt(
                key, self._parsed_resources[key], described
            ):
                failed.append(key)
            else:
                del self._parsed_resources[key]
        return failed

    def _make(self, key: str) -> None:
        kind = self._resource_json_map[key]["Type"]
        made = self._step("CREATE", key, kind, lambda: self._created(key, self._properties(key)))
        self._parsed_resources[key] = made

    def _created(self, key: str, properties: dict[str, Any]) -> Any:
        kind = self._resource_json_map[key]["Type"]
        name = name_of(kind, key, str(self["AWS::StackName"]), properties)
        described = {"Type": kind, "Properties": _copied(self._tagged(kind, properties))}
        more = {"LogicalId": key, "StackId": self.stack_id, "ResourceType": kind}
        made = kinds.of(kind).create_from_cloudformation_json(
            name, described, self._account_id, self._region_name, **more
        )
        return self._named(made, key, properties)

    def _change(self, key: str) -> None:
        old, kind = self._parsed_resources[key], self._resource_json_map[key]["Type"]
        try:
            properties = self._properties(key)
        except Exception as error:
            self._tell(key, old, kind, "UPDATE_FAILED", reason(error, kind))
            raise Failed(key, reason(error, kind)) from error
        if properties != old.cleaned or old.half_changed:
            self._parsed_resources[key] = self._step("UPDATE", key, kind, lambda: self._changed(key, properties))
        elif old.stack_tags != self.tags and self._has_tags(kind):
            self._changed_in_place(key, properties)

    def _changed(self, key: str, properties: dict[str, Any]) -> Any:
        old, kind = self._parsed_resources[key], self._resource_json_map[key]["Type"]
        before = old.cleaned
        changed = {name for name in before.keys() | properties.keys() if before.get(name) != properties.get(name)}
        if changed & schemas.replaced_by(kind, self._region_name):
            name = NAMES.get(kind)
            if name in properties and name not in changed:
                raise ResourceFailed(_RENAME.format(name=properties[name]))
            made = self._created(key, properties)
            self._replaced[key] = old
            return made
        return self._changed_in_place(key, properties)

    def _changed_in_place(self, key: str, properties: dict[str, Any]) -> Any:
        old, kind = self._parsed_resources[key], self._resource_json_map[key]["Type"]
        update = kinds.of(kind).update_from_cloudformation_json
        if hasattr(update, "__isabstractmethod__"):
            raise ResourceFailed(f"the stand-in cannot change a {kind}")
        try:
            made = update(
                original_resource=old,
                new_resource_name=old.physical_resource_id,
                cloudformation_json={"Type": kind, "Properties": _copied(self._tagged(kind, properties))},
                account_id=self._account_id,
                region_name=self._region_name,
            )
        except Exception:
            old.half_changed = True  # and is changed back, whatever it was that came through
            raise
        return self._named(made, key, properties)

    def _named(self, made: Any, key: str, properties: dict[str, Any]) -> Any:
        made.cf_resource_type, made.logical_resource_id = self._resource_json_map[key]["Type"], key
        made.cleaned, made.stack_tags, made.half_changed = properties, dict(self.tags), False
        return made

    # Telling

    def _attempt(self, key: str, resource: Any, described: dict[str, Any]) -> bool:
        """Remove a resource; one that is gone already counts as removed. False where it cannot be."""

        def work() -> Any:
            self._delete_resource(resource, {"Type": described["Type"], "Properties": resource.cleaned})
            return resource

        try:
            self._step("DELETE", key, described["Type"], work, resource)
        except Failed:
            return False
        return True

    def _delete_resource(self, parsed_resource: Any, resource_json: dict[str, Any]) -> None:
        kind = kinds.of(resource_json["Type"])
        try:
            if hasattr(parsed_resource, "delete"):
                parsed_resource.delete(self._account_id, self._region_name)
            else:
                kind.delete_from_cloudformation_json(
                    parsed_resource.physical_resource_id, resource_json, self._account_id, self._region_name
                )
        except Exception as error:
            if not gone(error):
                raise

    def _step(self, verb: str, key: str, kind: str, work: Callable[[], Any], resource: Any = None) -> Any:
        before = resource if resource is not None else self._parsed_resources.get(key)
        self._tell(key, before, kind, f"{verb}_IN_PROGRESS", None)
        try:
            done = work()
        except Exception as error:
            why = reason(error, kind)
            self._tell(key, before, kind, f"{verb}_FAILED", why)
            raise Failed(key, why) from error
        self._tell(key, done, kind, f"{verb}_COMPLETE", None)
        return done

    def _tell(self, key: str, resource: Any, kind: str, status: str, why: str | None) -> None:
        self.record(key, str(getattr(resource, "physical_resource_id", "")), kind, status, why)


def gone(error: Exception) -> bool:
    """Whether an error says that there is no such thing."""
    names = {str(getattr(error, name, "")) for name in ("code", "error_type")}
    return isinstance(error, KeyError) or bool(names & _GONE)


def reason(error: Exception, kind: str) -> str:
    """Return what an event says of an error; an error that is nobody's words is told on standard error."""
    if isinstance(error, ResourceFailed | ServiceException | HTTPException):
        return readable(str(getattr(error, "message", None) or error))
    traceback.print_exception(error)
    return f"the stand-in cannot do this to a {kind}"


def _copied(properties: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(properties))
    return copy
