"""Reading a template: YAML or JSON, short forms of functions in their long form, dates as the text they are."""

import json
from typing import Any, Final

import yaml

from pytest_dsql.local.aws.formation.templates.words import invalid

LONGEST: Final = 51_200
"""Bytes of a template's body. Source: CloudFormation quotas, 2026-11."""
_KEPT: Final = {"!Ref": "Ref", "!Condition": "Condition"}


class _Loader(yaml.SafeLoader):
    """YAML as CloudFormation reads it: nothing is a date."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as PyYAML has it
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _function(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    tag = f"!{suffix}"
    value = _constructed(loader, node)
    if tag == "!GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {_KEPT.get(tag, f"Fn::{suffix}"): value}


def _constructed(loader: Any, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    build = loader.construct_sequence if isinstance(node, yaml.SequenceNode) else loader.construct_mapping
    return build(node, deep=True)


yaml.add_multi_constructor("!", _function, _Loader)


def parse(text: Any) -> dict[str, Any]:
    """Return a template as CloudFormation understands it; raise ValidationError where it is none."""
    if not isinstance(text, str) or not text.strip():
        raise invalid("Either Template URL or Template Body must be specified.")
    if len(text.encode(errors="replace")) > LONGEST:
        raise invalid(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have "
            f"length less than or equal to {LONGEST}"
        )
    read = _json(text) if text.lstrip().startswith("{") else None
    whole = long_form(_yaml(text) if read is None else read)
    if not isinstance(whole, dict) or not all(isinstance(key, str) for key in whole):
        raise invalid("Template format error: unsupported structure.")
    return whole


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
    except RecursionError:
        raise invalid("Template format error: the template is nested too deeply.") from None


def _yaml(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe loader
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark
        where = f" (line {at.line + 1}, column {at.column + 1})" if at else ""
        raise invalid(f"Template format error: YAML not well-formed.{where}") from None
    except (yaml.YAMLError, ValueError, TypeError):
        raise invalid("Template format error: YAML not well-formed.") from None
    except RecursionError:
        raise invalid("Template format error: the template is nested too deeply.") from None


def as_text(scalar: Any) -> str:
    """Return a scalar as it stands in a text: true and false as JSON has them."""
    return str(scalar).lower() if isinstance(scalar, bool) else str(scalar)


def long_form(part: Any) -> Any:
    """Return a part of a template with ``Fn::GetAtt: A.B`` as a list, and every key a text."""
    if isinstance(part, list):
        return [long_form(each) for each in part]
    if not isinstance(part, dict):
        return part
    whole = {key if isinstance(key, str) else str(key): long_form(value) for key, value in part.items()}
    attribute = whole.get("Fn::GetAtt")
    return {"Fn::GetAtt": attribute.split(".", 1)} if isinstance(attribute, str) else whole
