"""A stack: made, changed and deleted in one go, and rolled back where that fails."""

from contextvars import ContextVar
from typing import Any, Final

from moto.cloudformation import models
from moto.cloudformation.models import Stack as MotoStack
from moto.cloudformation.parsing import Export

from pytest_dsql.local.aws.formation.resources import Failed, Resources
from pytest_dsql.local.aws.formation.templates import intrinsic
from pytest_dsql.local.aws.formation.templates.text import parse
from pytest_dsql.local.aws.formation.templates.words import invalid

_USER: Final = "User Initiated"
_FAILED: Final = "The following resource(s) failed to {verb}: [{names}]. "
_HIDDEN: Final = "****"
STANDING: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
KEPT: Final = frozenset({"CREATE_FAILED", "UPDATE_FAILED"})
"""How a stack ends whose failure was not to be taken back; it can be changed until it stands."""
ROLLBACK, DO_NOTHING, DELETE = "ROLLBACK", "DO_NOTHING", "DELETE"
on_failure: Final = ContextVar("on_failure", default=ROLLBACK)
"""What the request that is being answered wants done where it fails; moto hands on other members of it alone."""


class StackRecord(MotoStack):
    """A stack. What it answers of itself it has kept: to look at it makes nothing."""

    stack_status_reason: str | None = None
    resource_map: Resources

    @staticmethod
    def parse_template(template: Any) -> dict[str, Any]:
        """Read a template, YAML or JSON, every function in its long form."""
        return parse(template)

    def create_resources(self) -> None:
        """Make the resources; end in CREATE_COMPLETE or ROLLBACK_COMPLETE."""
        self.status = "CREATE_IN_PROGRESS"
        self._shown: list[dict[str, Any]] = []
        self._exported: list[Export] = []
        self._add_stack_event("CREATE_IN_PROGRESS", _USER)
        try:
            self.resource_map.create(self.template_dict)
            self._show()
        except Exception as error:  # noqa: BLE001 - whatever a resource says, CloudFormation rolls back
            self._fail(_told(error, "create"))
        else:
            self._end("CREATE_COMPLETE")

    def _fail(self, why: str) -> None:
        """End as was wished for where a stack cannot be made."""
        wish = on_failure.get()
        if wish == DO_NOTHING:
            self.stack_status_reason = why.strip()
            self._end("CREATE_FAILED")
            return
        self.stack_status_reason = f"{why}{wish.capitalize()} requested by user."
        self._add_stack_event(f"{wish}_IN_PROGRESS", self.stack_status_reason)
        left = self.resource_map.delete(rollback=True)
        self._end(f"{wish}_FAILED" if left else f"{wish}_COMPLETE")

    def update(
        self,
        template: str,
        role_arn: str | None = None,
        parameters: dict[str, Any] | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        """Change the resources; end in UPDATE_COMPLETE or UPDATE_ROLLBACK_COMPLETE."""
        before = (self.template, self.parameters, self.tags)
        after = (template, self.parameters if parameters is None else parameters, self.tags if tags is None else tags)
        if self.status not in STANDING | KEPT:
            raise invalid(f"Stack:{self.stack_id} is in {self.status} state and can not be updated.")
        if _same(before, after):
            raise invalid("No updates are to be performed.")
        self.stack_status_reason = None
        self._add_stack_event("UPDATE_IN_PROGRESS", _USER)
        try:
            self._apply(*after)
            self._show()
        except Exception as error:  # noqa: BLE001 - as above
            if on_failure.get() == DO_NOTHING:
                self.stack_status_reason = _told(error, "update").strip()
                self._end("UPDATE_FAILED")
                return
            self._add_stack_event("UPDATE_ROLLBACK_IN_PROGRESS", _told(error, "update"))
            self._take_back(before)
        else:
            self.role_arn = role_arn
            self._add_stack_event("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            self.resource_map.clean()
            self._end("UPDATE_COMPLETE")

    def _take_back(self, before: tuple[Any, dict[str, Any], dict[str, str]]) -> None:
        self.resource_map.restore()
        try:
            self._apply(*before)
            self._show()
        except Exception as error:  # noqa: BLE001 - as above
            self.stack_status_reason = _told(error, "update")
            self._end("UPDATE_ROLLBACK_FAILED")
        else:
            self.resource_map.clean()
            self._end("UPDATE_ROLLBACK_COMPLETE")

    def _apply(self, template: Any, parameters: dict[str, Any], tags: dict[str, str]) -> None:
        self.template, self.parameters, self.tags = template, parameters, tags
        self._parse_template()
        self.description = self.template_dict.get("Description")
        self.resource_map.tags = dict(tags)
        self.resource_map.update(self.template_dict, parameters)

    def delete(self) -> None:
        """Delete the resources; end in DELETE_COMPLETE or DELETE_FAILED."""
        self.status = "DELETE_IN_PROGRESS"
        self._add_stack_event("DELETE_IN_PROGRESS", _USER)
        failed = self.resource_map.delete()
        self.stack_status_reason = _FAILED.format(verb="delete", names=", ".join(failed)) if failed else None
        self._end("DELETE_FAILED" if failed else "DELETE_COMPLETE")

    def refuse_deletion(self, why: str) -> None:
        """Say that the stack cannot be deleted, and leave it as it is."""
        self.stack_status_reason = why
        self._end("DELETE_FAILED")

    # What is shown of it

    def _show(self) -> None:
        """Evaluate the outputs; raise ValidationError where one cannot be, or somebody else exports its name."""
        shown, exported = [], []
        for key, output in self.template_dict.get("Outputs", {}).items():
            if not self._holds(output):
                continue
            value = intrinsic.resolve(output.get("Value"), self.resource_map)
            name = intrinsic.resolve(output.get("Export", {}).get("Name"), self.resource_map)
            if value is None or isinstance(value, list | dict):
                raise invalid(f"Template format error: Output {key} must evaluate to a string.")
            shown.append(
                {
                    "OutputKey": key,
                    "OutputValue": intrinsic.text(value),
                    "Description": output.get("Description"),
                    "ExportName": name,
                }
            )
            if name is not None:
                exported.append(Export(self.stack_id, str(name), intrinsic.text(value)))
        self._check_exports([each.name for each in exported])
        self._shown, self._exported = shown, exported

    def _holds(self, output: dict[str, Any]) -> bool:
        return "Condition" not in output or self.resource_map.lazy_condition_map[output["Condition"]]

    def _check_exports(self, names: list[str]) -> None:
        backend = models.cloudformation_backends[self.account_id][self.region_name]
        others = {name: each for name, each in backend.exports.items() if each.exporting_stack_id != self.stack_id}
        taken = next((name for name in names if name in others or names.count(name) > 1), None)
        if taken:
            raise invalid(f"Export with name {taken} is already exported by another output or stack.")

    @property
    def outputs(self) -> list[dict[str, Any]] | None:
        """Return the outputs of a stack that stands."""
        return getattr(self, "_shown", None) or None if self.status in STANDING else None

    @property
    def exports(self) -> list[Export]:
        """Return what the stack exports as long as it stands."""
        return getattr(self, "_exported", []) if self.status != "ROLLBACK_COMPLETE" else []

    @property
    def parameter_list(self) -> list[dict[str, Any]]:
        """Return the parameters as they are shown: those that are not to be seen are not."""
        hidden = self.resource_map.no_echo_parameter_keys
        return [
            {"ParameterKey": key, "ParameterValue": _HIDDEN if key in hidden else value}
            for key, value in self.resource_map.resolved_parameters.items()
        ]

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


def _told(error: Exception, verb: str) -> str:
    if isinstance(error, Failed):
        return _FAILED.format(verb=verb, names=error.logical)
    return f"{getattr(error, 'message', None) or 'the stand-in cannot evaluate the outputs'} "


def _same(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    return before[1:] == after[1:] and parse(before[0]) == parse(after[0])
