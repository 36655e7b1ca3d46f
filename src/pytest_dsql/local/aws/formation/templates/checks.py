"""All that is judged of a template before anything is made."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from pytest_dsql.local.aws.formation.templates import capabilities, lint, parameters, references, schemas, structure
from pytest_dsql.local.aws.formation.templates.kinds import KINDS, has_attribute, known
from pytest_dsql.local.aws.formation.templates.text import parse
from pytest_dsql.local.aws.formation.templates.words import invalid

TAGS: Final = 50
"""Tags of a stack. Source: CloudFormation, API reference, 2026-11."""


def check(text: str, given: Mapping[str, Any], said: Collection[str], region: str) -> dict[str, Any]:
    """Return a template that can be made; raise ValidationError or InsufficientCapabilities.

    ``given`` are its parameters, ``said`` the capabilities that its caller knows of.
    """
    template = read(text)
    _check_kinds(template, region)
    references.check(template)
    lint.check(text, region)
    _check_attributes(template)
    parameters.check(template, given)
    capabilities.check(template, said)
    return template


def read(text: str) -> dict[str, Any]:
    """Return a template that has the structure of one; raise ValidationError."""
    template = parse(text)
    structure.check(template)
    return template


def _check_kinds(template: Mapping[str, Any], region: str) -> None:
    kinds = {each["Type"] for each in template["Resources"].values()}
    unknown = sorted(kind for kind in kinds - KINDS if schemas.schema(kind, region) is None and not known(kind))
    if unknown:
        raise invalid(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
    lacked = sorted(kinds - KINDS)
    if lacked:
        raise invalid(f"the stand-in has no {', '.join(lacked)}")


def _check_attributes(template: Mapping[str, Any]) -> None:
    """Refuse an attribute that the stand-in has not, or nobody has."""
    for name, argument in references.functions([template["Resources"], template.get("Outputs", {})]):
        plain = isinstance(argument, list) and all(isinstance(each, str) for each in argument)
        if name == "Fn::GetAtt" and plain and argument:
            kind, attribute = template["Resources"][argument[0]]["Type"], ".".join(argument[1:])
            if not has_attribute(kind, attribute):
                text = f"resource {argument[0]} does not support attribute type {attribute} in Fn::GetAtt"
                raise invalid(f"Template error: {text}")


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise ValidationError where a stack may not have these tags."""
    reserved = next((key for key in tags if key.lower().startswith("aws:")), None)
    if reserved:
        raise invalid(f"aws: prefixed tag key names are not allowed for external use: {reserved}")
    if len(tags) > TAGS:
        raise invalid(f"A stack may have no more than {TAGS} tags.")
