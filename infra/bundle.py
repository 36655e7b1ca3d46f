"""The Lambda zip: ``transfer`` and what it depends on, for the platform of the function; the same bytes each time."""

import hashlib
import importlib.metadata
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.pins import pins

ROOT: Final = Path(__file__).parent.parent
EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can hold: every file has it, so that equal contents are equal bytes."""
LEFT_OUT: Final = frozenset({"__pycache__", "bin", "tests"})
SERVICES: Final = frozenset({"dsql"})
"""Those that the function calls. boto3 describes 400 more, which are most of the files to upload and to unpack."""
FUNCTION: Final = Path("src") / "transfer"
REQUIREMENTS: Final = "requirements.txt"
"""All of ``src`` that the function needs, with its own list of requirements."""
CACHE: Final = ROOT / ".bundles"
PIP_LIMIT_S: Final = 600


class BundleError(Exception):
    """The dependencies could not be gathered; the text is pip's."""


@dataclass(frozen=True, slots=True)
class Platform:
    """Where the function runs: Python's version as in ``3.13`` and the machine, ``x86_64`` or ``arm64``.

    ``local`` takes wheels for this machine in place of Amazon Linux 2023 (glibc 2.34; AWS Lambda developer guide).
    """

    python: str = f"{sys.version_info.major}.{sys.version_info.minor}"
    machine: str = "x86_64"
    local: bool = False

    @property
    def pip_arguments(self) -> list[str]:
        """Return what makes pip choose wheels for the platform."""
        if self.local:
            return []
        machine = "aarch64" if self.machine == "arm64" else self.machine
        tags = [f"manylinux_2_{minor}_{machine}" for minor in (34, 28, 17)] + [f"manylinux2014_{machine}"]
        platforms = [word for tag in tags for word in ("--platform", tag)]
        return ["--python-version", self.python, "--implementation", "cp", *platforms]


def dependencies() -> list[str]:
    """Return the function's dependencies, as its requirements name them, held at the versions installed here."""
    lines = (ROOT / FUNCTION / REQUIREMENTS).read_text().splitlines()
    return [_held(line) for line in lines if line and not line.startswith("#")]


def _held(requirement: str) -> str:
    name = requirement.partition(">=")[0].strip()
    return f"{name}=={importlib.metadata.version(name.partition('[')[0])}"


def build(platform: Platform, cache: Path = CACHE) -> Path:
    """Return the zip, from ``cache`` where it was built before; its name is the hash of what goes into it.

    Raises BundleError where the dependencies cannot be had.
    """
    cache.mkdir(parents=True, exist_ok=True)
    zipped = cache / f"transfer-{_digest(platform)}.zip"
    if not zipped.exists():
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            _gather(Path(folder), platform)
            part = zipped.with_suffix(f".{Path(folder).name}")
            shutil.copytree(ROOT / FUNCTION, Path(folder) / FUNCTION.name, ignore=shutil.ignore_patterns(REQUIREMENTS))
            _zip(Path(folder), part)
            part.replace(zipped)
    return zipped


def _digest(platform: Platform) -> str:
    """Hash what decides the contents: sources, versions of all dependencies, platform."""
    needed = dependencies()
    digest = hashlib.sha256(repr((needed, pins(needed), sorted(SERVICES), platform)).encode())
    for path in sorted((ROOT / FUNCTION).rglob("*.py")):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:20]


def _gather(folder: Path, platform: Platform) -> None:
    needed = dependencies()
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--only-binary", ":all:"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as held:
        held.write("\n".join(pins(needed)))
        held.flush()
        done = subprocess.run(
            [*command, "--constraint", held.name, "--target", str(folder), *platform.pip_arguments, *needed],
            capture_output=True,
            text=True,
            timeout=PIP_LIMIT_S,
            check=False,
        )
    if done.returncode:
        raise BundleError(done.stderr.strip())


def _zip(folder: Path, zipped: Path) -> None:
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            if _needed(*name.parts):
                info = zipfile.ZipInfo(name.as_posix(), EPOCH)
                info.external_attr, info.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
                archive.writestr(info, files[name].read_bytes())


def _needed(*parts: str) -> bool:
    """Whether a file goes into the zip, by the parts of its name."""
    match parts:
        case ("boto3" | "botocore", "data", service, _, *_):
            return service in SERVICES
    return not LEFT_OUT.intersection(parts)
