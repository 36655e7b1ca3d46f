"""CloudFormation's refusals, in its words."""

from moto.cloudformation.exceptions import CloudFormationError, ValidationError


class InsufficientCapabilities(CloudFormationError):
    """The caller has not said that the template may make what it makes."""

    code = "InsufficientCapabilitiesException"


class ResourceFailed(Exception):
    """A resource cannot be made, changed or deleted; the text is what CloudFormation's event says."""


def invalid(text: str) -> ValidationError:
    """Return the error for a template or a request that nothing is made of."""
    return ValidationError(message=text)
