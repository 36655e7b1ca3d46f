"""The wire of CloudFormation: moto's, with every template judged before anything is done with it."""

import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from moto.cloudformation.exceptions import AlreadyExistsException
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from werkzeug.exceptions import HTTPException

from pytest_dsql.local.aws.formation.backend import merged
from pytest_dsql.local.aws.formation.stacks import DELETE, DO_NOTHING, ROLLBACK, on_failure
from pytest_dsql.local.aws.formation.templates import checks
from pytest_dsql.local.aws.formation.templates.words import invalid

_NAME: Final = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
_NOT_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What no document in XML 1.0 can hold, however it is written; a template in JSON can."""
DEFECT: Final = "the stand-in has failed at this request; its log says where"


def _legible(body: Any) -> Any:
    return _NOT_XML.sub("?", body) if isinstance(body, str) else body


class FormationAnswers(CloudFormationResponse):
    """Answers to requests of CloudFormation."""

    def call_action(self) -> Any:
        """Answer a request; a defect of the stand-in is told in its log, and refuses the request."""
        try:
            status, headers, body = super().call_action()
            return status, headers, _legible(body)
        except (ServiceException, HTTPException):
            raise
        except Exception:  # noqa: BLE001 - whatever it is, a client is to be told in its own terms
            traceback.print_exc(file=sys.stderr)
            status, headers, body = self.serialized(ActionResult(invalid(DEFECT)))
            return status, {**headers, "status": str(status)}, body

    # Stacks

    def create_stack(self) -> Any:
        """Make a stack of a template that can be made."""
        self._check_name()
        if any(stack.name == self._get_param("StackName") for stack in self.cloudformation_backend.stacks.values()):
            raise AlreadyExistsException(f"Stack [{self._get_param('StackName')}] already exists")
        self._check(self._body(), {})
        with self._failing(self._get_param("OnFailure"), "OnFailure"):
            return super().create_stack()

    def update_stack(self) -> Any:
        """Change a stack to what a template says that can be made."""
        stack: Any = self.cloudformation_backend.get_stack(self._get_param("StackName"))
        previous = self._get_bool_param("UsePreviousTemplate", if_none=False)
        template = self._check(stack.template if previous else self._body(), stack.stack_parameters)
        _check_types(template, stack.template_dict)
        with self._failing():
            return super().update_stack()

    def create_change_set(self) -> Any:
        """Make a change set of a template that can be made."""
        self._check_name()
        name, kind = self._get_param("StackName"), self._get_param("ChangeSetType", "UPDATE")
        if kind == "CREATE":
            self._check_new(name)
            self._check(self._body(), {})
        else:
            self.params["ChangeSetType"] = kind
            stack: Any = self.cloudformation_backend.get_stack(name)
            previous = self._get_bool_param("UsePreviousTemplate", if_none=False)
            template = self._check(stack.template if previous else self._body(), stack.stack_parameters)
            _check_types(template, stack.template_dict)
        wish = self._get_param("OnStackFailure")
        _check_wish(wish, "OnStackFailure")
        result = super().create_change_set()
        self._name_change_set()
        self._change_set().on_failure = wish
        return result

    def _change_set(self) -> Any:
        return self.cloudformation_backend.change_sets[self._get_param("ChangeSetName")]

    @contextmanager
    def _failing(self, wish: str | None = None, member: str = "") -> Iterator[None]:
        """Have a failure end as the request wishes, for the block; raise ValidationError where it cannot."""
        _check_wish(wish, member)
        disabled = self._get_bool_param("DisableRollback", if_none=None)
        if wish and disabled is not None and member == "OnFailure":
            raise invalid("You can specify either DisableRollback or OnFailure, but not both.")
        token = on_failure.set(DO_NOTHING if disabled else wish or ROLLBACK)
        try:
            yield
        finally:
            on_failure.reset(token)

    def _check_new(self, name: str) -> None:
        for stack in self.cloudformation_backend.stacks.values():
            if stack.name == name and stack.status != "REVIEW_IN_PROGRESS":
                change_set = self._get_param("ChangeSetName")
                raise invalid(
                    f"Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}]."
                )

    def _check(self, body: str, previous: dict[str, Any]) -> dict[str, Any]:
        checks.check_tags({tag.get("Key", ""): tag.get("Value", "") for tag in self._get_param("Tags", [])})
        given = merged(self._get_param("Parameters", []), previous)
        return checks.check(body, given, self._get_param("Capabilities", []), self.region)

    def _body(self) -> str:
        url = self._get_param("TemplateURL")
        if not url:
            return str(self._get_param("TemplateBody") or "")
        try:
            return self._get_stack_from_s3_url(url)
        except Exception:  # noqa: BLE001 - moto raises one thing for a bucket, another for a key
            raise invalid("S3 error: Access Denied") from None

    def _check_name(self) -> None:
        name = str(self._get_param("StackName") or "")
        if not _NAME.fullmatch(name.rpartition(":stack/")[2].partition("/")[0]):
            raise invalid(
                f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must "
                "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
            )

    # Change sets: moto knows them by their names alone

    def describe_change_set(self) -> Any:
        """Describe a change set of a stack."""
        self._name_change_set()
        return super().describe_change_set()

    def execute_change_set(self) -> Any:
        """Make or change a stack as a change set says."""
        self._name_change_set()
        with self._failing(getattr(self._change_set(), "on_failure", None)):
            return super().execute_change_set()

    def delete_change_set(self) -> Any:
        """Delete a change set of a stack."""
        self._name_change_set()
        return super().delete_change_set()

    def _name_change_set(self) -> None:
        name, stack = self._get_param("ChangeSetName"), self._get_param("StackName")
        sets = self.cloudformation_backend.change_sets.items()
        for identifier, each in reversed(list(sets)):
            if name == identifier or (name == each.change_set_name and stack in {each.stack_name, each.stack_id}):
                self.params["ChangeSetName"] = identifier
                return
        raise ServiceException("ChangeSetNotFoundException", f"ChangeSet [{name}] does not exist")

    # Templates

    def validate_template(self) -> Any:
        """Judge a template, without its parameters."""
        template = checks.read(self._body())
        return ActionResult({"Parameters": _declared(template), "Description": template.get("Description", "")})

    def get_template_summary(self) -> Any:
        """Say what is in a template."""
        name = self._get_param("StackName")
        stack: Any = self.cloudformation_backend.get_stack(name) if name else None
        template = checks.read(stack.template if stack else self._body())
        kinds = [each["Type"] for each in template["Resources"].values()]
        summary = {"Parameters": _declared(template), "ResourceTypes": kinds}
        return ActionResult({**summary, "Description": template.get("Description", "")})

    def update_termination_protection(self) -> Any:
        """Say whether a stack may be deleted."""
        stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
        stack.enable_termination_protection = self._get_bool_param("EnableTerminationProtection", if_none=False)
        return ActionResult({"StackId": stack.stack_id})


def _check_wish(wish: str | None, member: str) -> None:
    if wish not in {None, ROLLBACK, DO_NOTHING, DELETE}:
        raise invalid(
            f"1 validation error detected: Value '{wish}' at '{member[0].lower()}{member[1:]}' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{ROLLBACK}, {DELETE}, {DO_NOTHING}]"
        )


def _declared(template: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "ParameterKey": name,
            "DefaultValue": None if "Default" not in each else str(each["Default"]),
            "NoEcho": bool(each.get("NoEcho")),
            "Description": each.get("Description"),
            "ParameterType": each.get("Type"),
            "ParameterConstraints": {"AllowedValues": [str(one) for one in each.get("AllowedValues", ())]},
        }
        for name, each in template.get("Parameters", {}).items()
    ]


def _check_types(template: dict[str, Any], before: dict[str, Any]) -> None:
    known = before.get("Resources", {})
    changed = [name for name, each in template["Resources"].items() if known.get(name, each)["Type"] != each["Type"]]
    if changed:
        raise invalid(
            "Update of resource type is not permitted. The new template modifies resource type of the following "
            f"resources: [{', '.join(changed)}]"
        )
