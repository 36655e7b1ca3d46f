"""The structure of a template: its sections and what each must have. Words: CloudFormation's, 2026-11."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pytest_dsql.local.aws.formation.templates.intrinsic import FUNCTIONS
from pytest_dsql.local.aws.formation.templates.words import invalid

_SECTIONS: Final = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Hooks",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    }
)
_LACKED: Final = ("Hooks", "Rules", "Transform")
_OF_RESOURCES: Final = frozenset(
    {
        "Condition",
        "CreationPolicy",
        "DeletionPolicy",
        "DependsOn",
        "Metadata",
        "Properties",
        "Type",
        "UpdatePolicy",
        "UpdateReplacePolicy",
        "Version",
    }
)
_POLICIES: Final = frozenset({"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"})
_NAME: Final = re.compile(r"[A-Za-z0-9]{1,255}")
RESOURCES: Final = 500
"""Resources of a template. Source: CloudFormation quotas, 2026-11."""


def check(template: Mapping[str, Any]) -> None:
    """Raise ValidationError where a template has not the structure of one, or more than the stand-in has."""
    problem = next(_problems(template), None)
    if problem:
        raise invalid(problem)


def _problems(template: Mapping[str, Any]) -> Iterator[str]:
    yield from _head(template)
    for name in ("Parameters", "Mappings", "Conditions", "Outputs", "Metadata"):
        yield from _section(name, template.get(name, {}))
    if not isinstance(template.get("Resources"), dict) or not template["Resources"]:
        yield "Template format error: At least one Resources member must be defined."
    count = len(template["Resources"])
    if count > RESOURCES:
        yield f"Template format error: Number of resources, {count}, is greater than maximum allowed, {RESOURCES}"
    for name, resource in template["Resources"].items():
        yield from _resource(name, resource)
    for section in ("Parameters", "Mappings", "Conditions", "Resources", "Outputs"):
        yield from _nulls(template.get(section), f"/{section}")
    yield from _functions(template)


def _head(template: Mapping[str, Any]) -> Iterator[str]:
    unknown = sorted(template.keys() - _SECTIONS)
    if unknown:
        yield f"Template format error: Invalid template property or properties [{', '.join(unknown)}]"
    if template.get("AWSTemplateFormatVersion", "2010-09-09") != "2010-09-09":
        yield "Template format error: unsupported value for AWSTemplateFormatVersion."
    if not isinstance(template.get("Description", ""), str):
        yield "Template format error: Description must be a string."
    yield from (f"the stand-in has no {name} section in templates" for name in _LACKED if name in template)


def _section(name: str, section: Any) -> Iterator[str]:
    if not isinstance(section, dict):
        yield f"Template format error: {name} must be an object."
        return
    for key, member in section.items():
        if not _NAME.fullmatch(key) and name != "Metadata":
            yield f"Template format error: {name.removesuffix('s')} name {key} is non alphanumeric."
        if not isinstance(member, dict) and name not in {"Metadata", "Conditions"}:
            yield f"Template format error: Every {name} member must be an object."


def _resource(name: str, resource: Any) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield f"Template format error: Resource name {name} is non alphanumeric."
    if not isinstance(resource, dict):
        yield "Template format error: Every Resources member must be an object."
    elif not isinstance(resource.get("Type"), str):
        yield "Template format error: Every Resources object must contain a Type member."
    else:
        unknown = sorted(resource.keys() - _OF_RESOURCES)
        if unknown:
            yield f"Template format error: Invalid template resource property '{unknown[0]}'"
        if not isinstance(resource.get("Properties", {}), dict):
            yield f"Template format error: [/Resources/{name}/Properties] must be an object."
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if policy in resource and str(resource[policy]) not in _POLICIES:
                yield f"Template format error: Unrecognized {policy} {resource[policy]} for resource {name}"


def _nulls(part: Any, path: str) -> Iterator[str]:
    if part is None and path.count("/") > 1:
        yield f"[{path}] 'null' values are not allowed in templates"
    members = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in members:
        yield from _nulls(value, f"{path}/{key}")


def _functions(part: Any) -> Iterator[str]:
    """Name the functions that the stand-in has not, and those that do not stand alone."""
    if isinstance(part, dict):
        for key in part:
            if key.startswith("Fn::"):
                if key not in FUNCTIONS:
                    yield f"the stand-in has no {key}"
                if len(part) > 1:
                    yield f"Template format error: {key} must be the only member of its object."
        part = list(part.values())
    for each in part if isinstance(part, list) else ():
        yield from _functions(each)
