"""A request's input, judged by the service's model: required members, lengths, patterns, ranges, enumerations.

The texts are those that AWS services share for constraints of their models.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pytest_dsql.local.aws.dsql.errors import Invalid

_CONSTRAINT: Final = "Value at '{name}' failed to satisfy constraint: {rule}"


def check(shape: Any, given: Mapping[str, Any]) -> None:
    """Raise Invalid with every field that does not satisfy its shape, a botocore StructureShape."""
    fields = [{"name": name, "message": message} for name, message in _structure(shape, given, "")]
    if fields:
        count = "1 validation error" if len(fields) == 1 else f"{len(fields)} validation errors"
        text = f"{count} detected: " + "; ".join(field["message"] for field in fields)
        raise Invalid(text, "fieldValidationFailed", fields)


Problems = Iterator[tuple[str, str]]


def _structure(shape: Any, given: Mapping[str, Any], prefix: str) -> Problems:
    for name, member in shape.members.items():
        value = given.get(name)
        if value is not None:
            yield from _value(member, value, prefix + name)
        elif name in shape.required_members:
            yield prefix + name, _said(prefix + name, "Member must not be null")


def _value(shape: Any, value: Any, name: str) -> Problems:
    if not isinstance(value, _TYPES[shape.type_name]) or (shape.type_name == "integer" and isinstance(value, bool)):
        yield name, _said(name, f"Member must be of type {shape.type_name}")
    elif shape.type_name == "structure":
        yield from _structure(shape, value, f"{name}.")
    elif shape.type_name == "list":
        yield from _length(shape, len(value), name)
        for index, each in enumerate(value, 1):
            yield from _value(shape.member, each, f"{name}.{index}.member")
    elif shape.type_name == "map":
        yield from _length(shape, len(value), name)
        for key, each in value.items():
            yield from _value(shape.key, key, f"{name}.key")
            yield from _value(shape.value, each, f"{name}.value")
    else:
        yield from _scalar(shape, value, name)


def _scalar(shape: Any, value: Any, name: str) -> Problems:
    if shape.type_name == "string":
        yield from _length(shape, len(value), name)
        pattern = shape.metadata.get("pattern")
        if pattern and not re.fullmatch(pattern, value):
            yield name, _said(name, f"Member must satisfy regular expression pattern: {pattern}")
        if shape.enum and value not in shape.enum:
            yield name, _said(name, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    elif shape.type_name == "integer":
        yield from _range(shape, value, name, "value")


def _length(shape: Any, size: int, name: str) -> Problems:
    yield from _range(shape, size, name, "length")


def _range(shape: Any, size: int, name: str, what: str) -> Problems:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield name, _said(name, f"Member must have {what} greater than or equal to {least}")
    if most is not None and size > most:
        yield name, _said(name, f"Member must have {what} less than or equal to {most}")


def _said(name: str, rule: str) -> str:
    return _CONSTRAINT.format(name=name, rule=rule)


_TYPES: Final[Mapping[str, Any]] = {
    "structure": Mapping,
    "map": Mapping,
    "list": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "timestamp": object,
}
