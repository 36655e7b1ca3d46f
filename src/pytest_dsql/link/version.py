"""Which stand-in goes with these tests: the one of the same version, here or in another environment."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

COMMAND: Final = "DSQL_COMMAND"
"""The variable that names the ``dsql-local`` of another environment."""
VERSION: Final = "DSQL_VERSION"
"""The variable by which a stand-in tells its version."""
_TOOLS: Final = Path("~/.local/bin/dsql-local")
"""Where pipx and uv put the commands of what they install."""


class VersionError(Exception):
    """There is no stand-in, or none that goes with these tests; the text says what to do."""


def version() -> str:
    """Return this distribution's version."""
    return metadata.version("pytest-dsql")


def command() -> list[str]:
    """Return the words that run a stand-in; raise VersionError where there is none.

    It is the one that ``DSQL_COMMAND`` names, else this environment's, else one that pipx or uv has installed.
    """
    if named := os.environ.get(COMMAND):
        found = shutil.which(named)
        if found is None:
            raise VersionError(f"{COMMAND}={named} is no program")
        return [found, "serve"]
    if importlib.util.find_spec("postgast") is not None:
        return [sys.executable, "-P", "-m", "pytest_dsql.local"]
    if (tool := _TOOLS.expanduser()).exists():
        return [str(tool), "serve"]
    raise VersionError("the stand-in is not installed here: pip install pytest-dsql, or pipx install pytest-dsql")


def check(environment: Mapping[str, str]) -> None:
    """Raise VersionError where the stand-in that the variables reach is of another version."""
    theirs, ours = environment.get(VERSION, "an earlier one"), version()
    if theirs != ours:
        raise VersionError(f"the stand-in is of another version: it is {theirs}, this is pytest-dsql {ours}")
