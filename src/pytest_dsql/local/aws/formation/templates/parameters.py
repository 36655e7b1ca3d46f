"""Parameters of a template: declared as they must be, given as they are declared."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pytest_dsql.local.aws.formation.templates.text import as_text
from pytest_dsql.local.aws.formation.templates.words import invalid

_DECLARED: Final = frozenset(
    {
        "AllowedPattern",
        "AllowedValues",
        "ConstraintDescription",
        "Default",
        "Description",
        "MaxLength",
        "MaxValue",
        "MinLength",
        "MinValue",
        "NoEcho",
        "Type",
    }
)
_TYPES: Final = re.compile(
    r"String|Number|List<Number>|CommaDelimitedList|(?:List<)?AWS::(?:EC2|Route53)::[A-Za-z0-9:.]+>?"
)
SSM: Final = "AWS::SSM::Parameter::"


def check(template: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise ValidationError where a parameter is not declared rightly, is unknown, is missing or is not allowed."""
    declared = template.get("Parameters", {})
    for name, each in declared.items():
        _check_declaration(name, each)
    unknown = [name for name in given if name not in declared]
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = [name for name, each in declared.items() if name not in given and "Default" not in each]
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    for name, each in declared.items():
        problem = next(_problems(name, each, as_text(given.get(name, each.get("Default")))), None)
        if problem:
            raise invalid(problem)


def _check_declaration(name: str, declared: Mapping[str, Any]) -> None:
    kind = declared.get("Type")
    if kind is None:
        raise invalid("Template format error: Every Parameters object must contain a Type member.")
    if isinstance(kind, str) and kind.startswith(SSM):
        raise invalid(f"the stand-in has no parameters of type {kind}")
    if not isinstance(kind, str) or not _TYPES.fullmatch(kind):
        raise invalid(f"Template format error: Unrecognized parameter type: {kind}")
    unknown = sorted(declared.keys() - _DECLARED)
    if unknown:
        raise invalid(f"Invalid template parameter property '{unknown[0]}'")
    _check_members(name, declared)


def _check_members(name: str, declared: Mapping[str, Any]) -> None:
    for key in ("MinLength", "MaxLength", "MinValue", "MaxValue"):
        if key in declared and _number(as_text(declared[key])) is None:
            raise invalid(f"Template format error: {key} of parameter {name} must be a number.")
    for key in ("AllowedPattern", "ConstraintDescription", "Description"):
        if not isinstance(declared.get(key, ""), str):
            raise invalid(f"Template format error: {key} of parameter {name} must be a string.")
    if not isinstance(declared.get("AllowedValues", []), list):
        raise invalid(f"Template format error: AllowedValues of parameter {name} must be a list.")
    if isinstance(declared.get("Default", ""), dict | list):
        raise invalid(f"Template format error: Default of parameter {name} must be a string.")


def _problems(name: str, declared: Mapping[str, Any], value: str) -> Iterator[str]:
    if declared["Type"] in {"Number", "List<Number>"}:
        yield from _numbers(name, declared, value)
    values = value.split(",") if "List" in declared["Type"] else [value]
    allowed = [as_text(each) for each in declared.get("AllowedValues", ())]
    if allowed and any(each.strip() not in allowed for each in values):
        yield f"Parameter '{name}' must be one of AllowedValues"
    if "AllowedPattern" in declared:
        yield from _pattern(name, declared, values)
    least, most = (_number(as_text(declared.get(key, ""))) for key in ("MinLength", "MaxLength"))
    if least is not None and len(value) < least:
        yield f"Parameter '{name}' must contain at least {least:g} characters"
    if most is not None and len(value) > most:
        yield f"Parameter '{name}' must contain at most {most:g} characters"


def _numbers(name: str, declared: Mapping[str, Any], value: str) -> Iterator[str]:
    least, most = (_number(as_text(declared.get(key, ""))) for key in ("MinValue", "MaxValue"))
    for each in value.split(",") if declared["Type"] == "List<Number>" else [value]:
        number = _number(each.strip())
        if number is None:
            yield f"Parameter '{name}' must be a number"
        elif least is not None and number < least:
            yield f"Parameter '{name}' must be a number not less than {least:g}"
        elif most is not None and number > most:
            yield f"Parameter '{name}' must be a number not greater than {most:g}"


def _pattern(name: str, declared: Mapping[str, Any], values: list[str]) -> Iterator[str]:
    pattern = declared["AllowedPattern"]
    try:
        matches = all(re.fullmatch(pattern, each.strip()) for each in values)
    except re.error:
        yield f"Template format error: AllowedPattern of parameter {name} is not a regular expression."
        return
    if not matches:
        why = declared.get("ConstraintDescription")
        yield (
            f"Parameter {name} failed to satisfy constraint: {why}"
            if why
            else (f"Parameter '{name}' must match pattern {pattern}")
        )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
