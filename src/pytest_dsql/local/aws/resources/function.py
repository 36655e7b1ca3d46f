"""AWS::Lambda::Function, of a zip in S3 or of inline code."""

import uuid
from typing import Any

from moto.awslambda.models import LambdaFunction, lambda_backends

from pytest_dsql.local.aws.formation.templates.text import as_text
from pytest_dsql.local.aws.formation.templates.words import ResourceFailed
from pytest_dsql.local.aws.functions import Functions
from pytest_dsql.local.aws.resources.base import Properties, ResourceKind, ResourcePlace, tags
from pytest_dsql.local.aws.resources.code import code_of


class FunctionResource(ResourceKind):
    """A function; CloudFormation waits until it is Active."""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether ``Fn::GetAtt`` knows the attribute."""
        return LambdaFunction.has_cfn_attr(attr)

    @classmethod
    def make(cls, name: str, properties: Properties, place: ResourcePlace) -> LambdaFunction:
        """Create the function; raise ResourceFailed where its name is taken or its code is not there."""
        backend = lambda_backends[place.account][place.region]
        if any(each.function_name == name for each in backend.list_functions()):
            raise ResourceFailed(f"Function already exist: {name}")
        spec = {**_configuration(properties), "FunctionName": name, "Code": code_of(place.account, properties)}
        made: LambdaFunction = Functions.settled(_completed(backend.create_function(spec), properties))
        return made

    @classmethod
    def change(cls, resource: Any, properties: Properties, place: ResourcePlace) -> LambdaFunction:
        """Change configuration and code in place; other tags leave its environments as they are."""
        function: LambdaFunction = resource
        if not resource.half_changed and _untagged(properties) == _untagged(resource.cleaned):
            function.tags = tags(properties)
            return function
        code, backend = code_of(place.account, properties), lambda_backends[place.account][place.region]
        backend.update_function_configuration(function.function_name, None, _configuration(properties))  # type: ignore[arg-type]
        function.update_function_code(code)
        return _completed(function, properties)


def _untagged(properties: Properties) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != "Tags"}


def _configuration(properties: Properties) -> dict[str, Any]:
    """Return a function's configuration as Lambda's API takes it, with the defaults of what the template leaves out."""
    variables = properties.get("Environment", {}).get("Variables", {})
    return {
        "Description": str(properties.get("Description", "")),
        "Environment": {"Variables": {name: as_text(value) for name, value in variables.items()}},
        "Handler": properties.get("Handler"),
        "Layers": properties.get("Layers", []),
        "MemorySize": int(properties.get("MemorySize", 128)),
        "Role": properties["Role"],
        "Runtime": properties.get("Runtime"),
        "Timeout": int(properties.get("Timeout", 3)),
    }


def _completed(function: LambdaFunction, properties: Properties) -> LambdaFunction:
    """Set what moto leaves out; ``change`` tells this change from one that is taken back before an invocation."""
    function.change = uuid.uuid4().hex  # type: ignore[attr-defined]
    function.architectures = properties.get("Architectures", ["x86_64"])
    function.tags = tags(properties)
    reserved = properties.get("ReservedConcurrentExecutions")
    function.reserved_concurrency = None if reserved is None else int(reserved)
    return function
