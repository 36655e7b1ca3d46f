"""Clients for node: AWS's connector, pg with a signed token, Knex and Drizzle; each is a program of its own."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

from tests.fix_clients import ROOT, Exported, program

SOURCES = Path(__file__).parent / "node"
INSTALL_LIMIT_S = 240


@pytest.fixture(scope="module")
def node(pytestconfig: pytest.Config) -> Path:
    """A folder with the programs, and with the packages of the lock file; it is kept for later runs."""
    npm = program("npm", "node (https://nodejs.org)")
    locked = (SOURCES / "package-lock.json").read_bytes()
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("clients-node") / hashlib.sha256(locked).hexdigest()[:16]
    folder.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        for source in SOURCES.iterdir():
            shutil.copy(source, folder)
        if not (folder / "installed").exists():
            install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(
                install, cwd=folder, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False
            )
            assert done.returncode == 0, done.stderr
            (folder / "installed").touch()
    return folder


@pytest.mark.timeout(INSTALL_LIMIT_S + 60)
@pytest.mark.parametrize("client", ["connector", "pg", "knex", "drizzle"])
def test_node(exported: Exported, node: Path, client: str) -> None:
    resolved = {"NODE_OPTIONS": f"--require {ROOT / 'infra' / 'local' / 'names.cjs'}"}
    assert exported.run(program("node", "https://nodejs.org"), f"{client}.js", cwd=node, env=resolved) == ""
