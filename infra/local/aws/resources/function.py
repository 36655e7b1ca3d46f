"""AWS::Lambda::Function, of a zip in S3 or of inline code."""

import uuid
from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.core.common_models import CloudFormationModel

from infra.local.aws.formation.words import ResourceFailed
from infra.local.aws.functions import Functions
from infra.local.aws.resources.base import tags
from infra.local.aws.resources.code import code_of


class Function(CloudFormationModel):
    """A function; CloudFormation waits until it is Active."""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether ``Fn::GetAtt`` knows the attribute."""
        return LambdaFunction.has_cfn_attr(attr)

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> LambdaFunction:
        """Create the function; raise ResourceFailed where its name is taken or its code is not there."""
        properties = cloudformation_json["Properties"]
        backend = lambda_backends[account_id][region_name]
        if any(each.function_name == resource_name for each in backend.list_functions()):
            raise ResourceFailed(f"Function already exist: {resource_name}")
        spec = {**_configuration(properties), "FunctionName": resource_name, "Code": code_of(account_id, properties)}
        made: LambdaFunction = Functions.settled(_completed(backend.create_function(spec), properties))
        return made

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: LambdaFunction,
        new_resource_name: str,  # noqa: ARG003
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> LambdaFunction:
        """Change configuration and code in place; other tags leave its environments as they are."""
        properties = cloudformation_json["Properties"]
        known: Any = original_resource
        if not known.half_changed and _untagged(properties) == _untagged(known.cleaned):
            original_resource.tags = tags(properties)
            return original_resource
        code, name = code_of(account_id, properties), original_resource.function_name
        backend = lambda_backends[account_id][region_name]
        backend.update_function_configuration(name, None, _configuration(properties))  # type: ignore[arg-type]
        original_resource.update_function_code(code)
        return _completed(original_resource, properties)


def _untagged(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != "Tags"}


def _configuration(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a function's configuration as Lambda's API takes it, with the defaults of what the template leaves out."""
    variables = properties.get("Environment", {}).get("Variables", {})
    return {
        "Description": str(properties.get("Description", "")),
        "Environment": {"Variables": {name: _shown(value) for name, value in variables.items()}},
        "Handler": properties.get("Handler"),
        "Layers": properties.get("Layers", []),
        "MemorySize": int(properties.get("MemorySize", 128)),
        "Role": properties["Role"],
        "Runtime": properties.get("Runtime"),
        "Timeout": int(properties.get("Timeout", 3)),
    }


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _completed(function: LambdaFunction, properties: Mapping[str, Any]) -> LambdaFunction:
    """Set what moto leaves out; ``change`` tells this change from one that is taken back before an invocation."""
    function.change = uuid.uuid4().hex  # type: ignore[attr-defined]
    function.architectures = properties.get("Architectures", ["x86_64"])
    function.tags = tags(properties)
    reserved = properties.get("ReservedConcurrentExecutions")
    function.reserved_concurrency = None if reserved is None else int(reserved)
    return function
