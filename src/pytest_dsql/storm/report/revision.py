"""By what the code is known that a storm was played with."""

import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

_GIT: Final = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
_LIMIT_S: Final = 10.0


def revision(folder: Path) -> str:
    """Return what the code of a folder is known by: git's revision, else this package's version."""
    try:
        done = subprocess.run(_GIT, cwd=folder, capture_output=True, text=True, timeout=_LIMIT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return f"pytest-dsql {version('pytest-dsql')}"
    return f"revision {done.stdout.strip()}"
