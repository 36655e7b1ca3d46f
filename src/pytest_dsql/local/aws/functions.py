"""Lambda's control plane: moto's records; who runs the functions learns of those that are deleted."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, ClassVar, Final

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaBackend

from pytest_dsql.local.functions.invoke import facts

RUNTIMES: Final = ("python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14")
"""Python's of Lambda that functions can be made for; what runs is this machine's. Source: developer guide, 2026-11."""
LIMIT_S: Final = 30.0


class FunctionNotActive(LambdaClientError):
    """The function is not ready for what is asked."""

    code = 409

    def __init__(self, state: str) -> None:
        super().__init__("ResourceConflictException", facts.PENDING.format(state=state))


class Functions(LambdaBackend):
    """Functions that leave nothing running behind. Its methods run in threads of moto's."""

    # moto finds a backend's URLs beside the module that it names.
    __module__ = LambdaBackend.__module__

    deleted: ClassVar[list[Callable[[str], object]]] = []
    """Told of each function that is deleted, by its ARN."""
    loop: ClassVar[asyncio.AbstractEventLoop]
    settle_s: ClassVar[float]
    """How long a function is Pending."""

    def create_function(self, spec: dict[str, Any]) -> Any:
        """Create a function, Pending for a while; raise LambdaClientError where the stand-in cannot run it."""
        if spec.get("PackageType", "Zip") != "Zip":
            raise _refused("the stand-in runs no container images")
        _check_runtime(spec.get("Runtime"))
        made: Any = super().create_function(spec)
        made.state = "Pending"
        self.loop.call_soon_threadsafe(self.loop.call_later, self.settle_s, setattr, made, "state", "Active")
        return made

    def update_function_configuration(self, function_name: str, qualifier: Any, body: dict[str, Any]) -> Any:
        """Change a function's configuration; raise LambdaClientError where the stand-in could not run it."""
        if "Runtime" in body:
            _check_runtime(body["Runtime"])
        return super().update_function_configuration(function_name, qualifier, body)

    def publish_version(self, function_name: str, description: str = "") -> Any:
        """Publish a version; raise NotActive where the function is Pending: so would the version be, for ever."""
        state = self.get_function(function_name).state
        if state != "Active":
            raise FunctionNotActive(state)
        return super().publish_version(function_name, description)

    @staticmethod
    def settled(function: Any) -> Any:
        """Wait until a function is Active, as CloudFormation does."""
        until = time.monotonic() + LIMIT_S
        while function.state == "Pending" and time.monotonic() < until:
            time.sleep(0.01)
        return function

    def delete_function(self, function_name: str, qualifier: str | None = None) -> Any:
        """Delete a function, or one version of it."""
        arn = self.get_function(function_name).function_arn
        super().delete_function(function_name, qualifier)
        if not qualifier:
            for tell in self.deleted:
                tell(arn)


def _check_runtime(runtime: Any) -> None:
    if runtime not in RUNTIMES:
        raise _refused(f"the stand-in has no runtime {runtime}; it runs functions of {', '.join(RUNTIMES)}")


def _refused(text: str) -> Exception:
    return LambdaClientError("InvalidParameterValueException", text)
