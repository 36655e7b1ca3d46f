"""Lambda's control plane: moto's records; who runs the functions learns of those that are deleted."""

from collections.abc import Callable
from typing import Any, ClassVar

from moto.awslambda.models import LambdaBackend


class Functions(LambdaBackend):
    """Functions that leave nothing running behind. Its methods run in threads of moto's."""

    # moto finds a backend's URLs beside the module that it names.
    __module__ = LambdaBackend.__module__

    deleted: ClassVar[list[Callable[[str], object]]] = []
    """Told of each function that is deleted, by its ARN."""

    def delete_function(self, function_name: str, qualifier: str | None = None) -> Any:
        """Delete a function, or one version of it."""
        arn = self.get_function(function_name).function_arn
        super().delete_function(function_name, qualifier)
        if not qualifier:
            for tell in self.deleted:
                tell(arn)
