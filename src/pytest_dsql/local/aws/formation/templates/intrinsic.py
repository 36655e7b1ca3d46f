"""Intrinsic functions of templates, and conditions.

``resources`` gives what a name stands for: a parameter's value, or a resource, made now where it is not there yet.
"""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

from pytest_dsql.local.aws.formation.templates.text import as_text
from pytest_dsql.local.aws.formation.templates.words import ResourceFailed, invalid

VARIABLE: Final = re.compile(r"\$\{([^!{}][^{}]*)\}")
"""What ``Fn::Sub`` replaces."""
_LITERAL: Final = re.compile(r"\$\{!([^{}]*)\}")
_WRONG: Final = (KeyError, IndexError, TypeError, ValueError, AttributeError)


def resolve(part: Any, resources: Any) -> Any:
    """Return a part of a template with its functions replaced by their values; what has no value is left out.

    Raises ValidationError where a function cannot be evaluated, and whatever a resource raises that is made for it.
    """
    if isinstance(part, list):
        return [value for value in (resolve(each, resources) for each in part) if value is not None]
    if not isinstance(part, dict):
        return part
    if len(part) == 1:
        [(name, argument)] = part.items()
        if name in FUNCTIONS:
            try:
                return FUNCTIONS[name](argument, resources)
            except _WRONG:
                raise invalid(f"Template error: {name} cannot be evaluated.") from None
    values = {key: resolve(value, resources) for key, value in part.items()}
    return {key: value for key, value in values.items() if value is not None}


def _ref(name: str, resources: Any) -> Any:
    found = resources[name]
    return getattr(found, "physical_resource_id", found)


def _attribute(argument: list[Any], resources: Any) -> Any:
    name, attribute = argument[0], ".".join(resolve(argument[1:], resources))
    resource = resources[name]
    if resource is None:
        raise invalid(f"Template error: instance of Fn::GetAtt references undefined resource {name}")
    try:
        return resource.get_cfn_attribute(attribute)
    except (UnformattedGetAttTemplateException, NotImplementedError, ResourceFailed):
        text = f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
        raise invalid(text) from None


def _if(argument: list[Any], resources: Any) -> Any:
    condition, then, otherwise = argument
    return resolve(then if resources.lazy_condition_map[condition] else otherwise, resources)


def _join(argument: list[Any], resources: Any) -> str:
    separator, values = argument
    return str(resolve(separator, resources)).join(text(each) for each in _listed(resolve(values, resources)))


def _split(argument: list[Any], resources: Any) -> list[str]:
    separator, value = resolve(argument, resources)
    return str(value).split(separator)


def _select(argument: list[Any], resources: Any) -> Any:
    index, values = int(resolve(argument[0], resources)), _listed(resolve(argument[1], resources))
    if not 0 <= index < len(values):
        raise invalid(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return values[index]


def _sub(argument: Any, resources: Any) -> str:
    template, own = argument if isinstance(argument, list) else (argument, {})
    values = {name: resolve(value, resources) for name, value in own.items()}

    def value(found: re.Match[str]) -> str:
        name = found[1].strip()
        if name in values:
            return text(values[name])
        return text(_attribute(name.split(".", 1), resources) if "." in name else _ref(name, resources))

    return _LITERAL.sub(r"${\1}", VARIABLE.sub(value, template))


def _find_in_map(argument: list[Any], resources: Any) -> Any:
    name, top, second = resolve(argument[:3], resources)
    return resources.mappings[name][str(top)][str(second)]


def _import(argument: Any, resources: Any) -> Any:
    return resources.imported(resolve(argument, resources))


def _zones(argument: Any, resources: Any) -> list[str]:
    region = resolve(argument, resources) or resources["AWS::Region"]
    return [f"{region}{zone}" for zone in "abc"]


def _base64(argument: Any, resources: Any) -> str:
    return base64.b64encode(text(resolve(argument, resources)).encode()).decode()


def _equals(argument: list[Any], resources: Any) -> bool:
    one, other = (resolve(each, resources) for each in argument)
    return text(one) == text(other) if _plain(one) and _plain(other) else bool(one == other)


def _condition(argument: str, resources: Any) -> bool:
    return bool(resources.lazy_condition_map[argument])


def holds(condition: Any, resources: Any) -> bool:
    """Whether a condition of a template holds."""
    found = resolve(condition, resources)
    if not isinstance(found, bool):
        raise invalid("Template error: every condition must evaluate to true or false.")
    return found


def text(value: Any) -> str:
    """Return a value as it stands in a text. Raises ValueError for a structure."""
    if not _plain(value):
        raise ValueError
    return as_text(value)


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


FUNCTIONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "Ref": _ref,
    "Condition": _condition,
    "Fn::GetAtt": _attribute,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::Sub": _sub,
    "Fn::FindInMap": _find_in_map,
    "Fn::ImportValue": _import,
    "Fn::GetAZs": _zones,
    "Fn::Base64": _base64,
    "Fn::Equals": _equals,
    "Fn::Not": lambda argument, resources: not holds(argument[0], resources),
    "Fn::And": lambda argument, resources: all(holds(each, resources) for each in argument),
    "Fn::Or": lambda argument, resources: any(holds(each, resources) for each in argument),
}
"""What the stand-in has of them; of a function that is not here it says so before anything is made."""
