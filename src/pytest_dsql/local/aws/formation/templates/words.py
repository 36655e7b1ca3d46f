"""CloudFormation's refusals, in its words."""

import re
from typing import Final

from moto.cloudformation.exceptions import CloudFormationError, ValidationError

_UNREADABLE: Final = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


class InsufficientCapabilities(CloudFormationError):
    """The caller has not said that the template may make what it makes."""

    code = "InsufficientCapabilitiesException"


class ResourceFailed(Exception):
    """A resource cannot be made, changed or deleted; the text is what CloudFormation's event says."""


def invalid(text: str) -> ValidationError:
    """Return the error for a template or a request that nothing is made of."""
    return ValidationError(message=readable(text))


def readable(text: str) -> str:
    """Return a text without the characters that no XML may have: answers are XML."""
    return _UNREADABLE.sub("?", text)
