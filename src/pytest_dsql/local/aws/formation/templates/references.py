"""What a template refers to: names of parameters, resources, conditions and mappings that must be there."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pytest_dsql.local.aws.formation.templates.intrinsic import VARIABLE
from pytest_dsql.local.aws.formation.templates.words import invalid

PSEUDO: Final = frozenset(
    {
        "AWS::AccountId",
        "AWS::NoValue",
        "AWS::NotificationARNs",
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    }
)


def check(template: Mapping[str, Any]) -> None:
    """Raise ValidationError where a name that a template uses is not in it, or resources need each other."""
    parameters = template.get("Parameters", {}).keys() | PSEUDO
    for section in ("Resources", "Outputs"):
        part, values = template.get(section, {}), parameters | template["Resources"].keys()
        missing = sorted({name for name in _refs(part) if name not in values})
        if missing:
            raise _unresolved(missing, section)
        undefined = next((name for name in _attributes(part) if name not in template["Resources"]), None)
        if undefined is not None:
            raise invalid(f"Template error: instance of Fn::GetAtt references undefined resource {undefined}")
    for name in _refs(template.get("Conditions", {})):
        if name not in parameters:
            raise _unresolved([name], "Conditions")
    _check_conditions(template)
    order(template["Resources"])


def _check_conditions(template: Mapping[str, Any]) -> None:
    known = template.get("Conditions", {})
    for name in _all_conditions(template):
        if not isinstance(name, str) or name not in known:
            raise invalid(f"Template format error: Unresolved condition dependency {name} in the template")
    _ordered({name: set(_conditions(each)) for name, each in known.items()}, "condition")


def _all_conditions(template: Mapping[str, Any]) -> Iterator[Any]:
    for section in ("Conditions", "Outputs"):
        yield from _conditions(template.get(section, {}))
    for each in template["Resources"].values():
        yield from (each["Condition"],) if "Condition" in each else ()
        yield from (argument[0] for name, argument in functions(each) if name == "Fn::If" and _filled(argument))


def _filled(argument: Any) -> bool:
    return isinstance(argument, list) and bool(argument)


def order(resources: Mapping[str, Any]) -> list[str]:
    """Return the names of resources, each behind those that it needs; raise ValidationError for a circle."""
    return _ordered({name: _needs(name, each, resources) for name, each in resources.items()}, "resource")


def _needs(name: str, described: Mapping[str, Any], resources: Mapping[str, Any]) -> set[str]:
    depends = described.get("DependsOn", [])
    listed = [depends] if isinstance(depends, str) else depends
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise invalid(f"Template format error: DependsOn of {name} must be a name or a list of names.")
    missing = [one for one in listed if one not in resources]
    if missing:
        raise _unresolved(missing, "Resources")
    return {*listed, *_refs(described), *_attributes(described)} & resources.keys()


def _ordered(needs: dict[str, set[str]], what: str) -> list[str]:
    done: dict[str, None] = {}
    while len(done) < len(needs):
        free = [name for name in needs if name not in done and needs[name] <= done.keys()]
        if not free:
            left = ", ".join(name for name in needs if name not in done)
            raise invalid(f"Circular dependency between {what}s: [{left}]")
        done |= dict.fromkeys(free)
    return list(done)


def _unresolved(names: list[str], section: str) -> Exception:
    text = f"Unresolved resource dependencies [{', '.join(names)}] in the {section} block of the template"
    return invalid(f"Template format error: {text}")


def _refs(part: Any) -> Iterator[str]:
    """Yield the names of Ref and of Fn::Sub without a dot."""
    for name, argument in functions(part):
        if name == "Ref" and isinstance(argument, str):
            yield argument
        elif name == "Fn::Sub":
            yield from (each for each in _variables(argument) if "." not in each)


def _attributes(part: Any) -> Iterator[str]:
    """Yield the names of resources in Fn::GetAtt and in Fn::Sub with a dot."""
    for name, argument in functions(part):
        if name == "Fn::GetAtt" and isinstance(argument, list) and argument:
            yield str(argument[0])
        elif name == "Fn::Sub":
            yield from (each.partition(".")[0] for each in _variables(argument) if "." in each)


def _variables(argument: Any) -> Iterator[str]:
    text, own = (*argument, {})[:2] if isinstance(argument, list) and argument else (argument, {})
    if isinstance(text, str):
        yield from (
            found[1].strip()
            for found in VARIABLE.finditer(text)
            if not (isinstance(own, dict) and found[1].strip() in own)
        )


def _conditions(part: Any) -> Iterator[Any]:
    """Yield the names of conditions that a part needs."""
    for name, argument in functions(part):
        if name == "Fn::If" and _filled(argument):
            yield argument[0]
        elif name == "Condition":
            yield argument


def functions(part: Any) -> Iterator[tuple[str, Any]]:
    """Yield every member that may be a function, by its name: ``("Ref", "Bucket")``."""
    if isinstance(part, dict):
        for name, argument in part.items():
            if name in {"Ref", "Condition"} or name.startswith("Fn::"):
                yield name, argument
            yield from functions(argument)
    elif isinstance(part, list):
        for each in part:
            yield from functions(each)
