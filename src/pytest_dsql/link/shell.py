"""Variables, as a shell takes them."""

import shlex
from collections.abc import Mapping


def exports(variables: Mapping[str, str]) -> str:
    """Return what a shell evaluates to set the variables."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def forgetting(variables: Mapping[str, str]) -> str:
    """Return what a shell evaluates to forget the variables."""
    return f"unset {' '.join(sorted(variables))}"
