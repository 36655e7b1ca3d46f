"""Resources' properties against the schemas of their types, which come with cfn-lint: AWS's own registry schemas.

Properties are judged with all functions replaced by their values, as AWS does when it makes the resource.
"""

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from pytest_dsql.local.aws.formation.templates.text import as_text
from pytest_dsql.local.aws.formation.templates.words import ResourceFailed

_NAMES: Final = {
    "array": "JSONArray",
    "boolean": "Boolean",
    "integer": "Integer",
    "number": "Number",
    "object": "JSONObject",
    "string": "String",
}


@functools.cache
def schema(kind: str, region: str) -> dict[str, Any] | None:
    """Return the schema of a resource type, None where the Region has no such type."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

    try:
        found: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, kind).schema
    except ResourceNotFoundError:
        return None
    return found


@functools.cache
def attributes(kind: str, region: str) -> frozenset[str]:
    """Return the properties that a template may not set, because the service does."""
    return frozenset(_top(schema(kind, region) or {}, "readOnlyProperties"))


@functools.cache
def replaced_by(kind: str, region: str) -> frozenset[str]:
    """Return the properties whose change makes a new resource in the place of the old one."""
    return frozenset(_top(schema(kind, region) or {}, "createOnlyProperties"))


def _top(whole: dict[str, Any], name: str) -> Iterator[str]:
    return (path.split("/")[2] for path in whole.get(name, ()))


def check(logical: str, kind: str, properties: dict[str, Any], region: str) -> None:
    """Raise ResourceFailed with all that is wrong with a resource's properties."""
    found = [_said(error) for error in _validator(kind, region).iter_errors(properties)]
    found += [f"#: extraneous key [{name}] is not permitted" for name in properties.keys() & attributes(kind, region)]
    if found:
        text = "\n".join(sorted(set(found)))
        raise ResourceFailed(f"Properties validation failed for resource {logical} with message:\n{text}")


def typed(kind: str, properties: dict[str, Any], region: str) -> dict[str, Any]:
    """Return properties as their types have them where that can be: a text for ``1`` where a text is wanted."""
    whole = schema(kind, region) or {}
    values: dict[str, Any] = _typed(properties, whole, whole.get("definitions", {}))
    return values


def _typed(value: Any, shape: dict[str, Any], definitions: dict[str, Any]) -> Any:
    shape = definitions.get(shape.get("$ref", "").rpartition("/")[2], shape)
    if isinstance(value, dict):
        shapes = shape.get("properties", {})
        return {key: _typed(each, shapes.get(key, {}), definitions) for key, each in value.items()}
    if isinstance(value, list):
        return [_typed(each, shape.get("items", {}), definitions) for each in value]
    wanted = shape.get("type")
    change = _SCALARS.get(wanted) if isinstance(wanted, str) else None
    return change(value) if change else value


def _flag(value: Any) -> Any:
    return {"true": True, "false": False}.get(str(value).lower(), value)


def _number(value: Any) -> Any:
    """Return a number that stands in a text; anything else as it is."""
    if not isinstance(value, str):
        return value
    for read in (int, float):
        try:
            number = read(value)
        except ValueError:
            continue
        return number if abs(number) < _LARGEST else value
    return value


def _said_as(value: Any) -> Any:
    return as_text(value) if isinstance(value, int | float) else value


_LARGEST: Final = 1e15
_SCALARS: Final[dict[str, Callable[[Any], Any]]] = {
    "boolean": _flag,
    "integer": _number,
    "number": _number,
    "string": _said_as,
}


@functools.cache
def _validator(kind: str, region: str) -> Any:
    from jsonschema import Draft7Validator
    from jsonschema.validators import extend

    lenient: Any = extend(Draft7Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
    return lenient(schema(kind, region) or {})


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    try:
        matches = not isinstance(value, str) or re.search(pattern, value)
    except re.error:  # what Java's regular expressions have more than Python's is let pass
        return
    if not matches:
        yield ValidationError("")


def _said(error: Any) -> str:
    """Return a violation in the words of CloudFormation's registry."""
    path = "#" + "".join(f"/{each}" for each in error.absolute_path)
    if error.validator == "additionalProperties":
        allowed = error.schema.get("properties", {}).keys()
        patterns = error.schema.get("patternProperties", {})
        more = [key for key in error.instance if key not in allowed and not any(re.search(p, key) for p in patterns)]
        return "\n".join(f"{path}: extraneous key [{key}] is not permitted" for key in more)
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return "\n".join(f"{path}: required key [{key}] not found" for key in missing)
    if error.validator == "type":
        wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        names = " or ".join(_NAMES.get(str(each), str(each)) for each in wanted)
        return f"{path}: expected type: {names}, found: {_found(error.instance)}"
    return f"{path}: failed validation constraint for keyword [{error.validator}]"


def _found(value: Any) -> str:
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "Boolean"),
        (int, "Integer"),
        (float, "Number"),
        (str, "String"),
        (list, "JSONArray"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "JSONObject")
