"""Clients of Aurora DSQL as their authors ship them: what an application finds that is pointed at the stand-in."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from filelock import FileLock

from infra.cloud import Cloud
from pytest_dsql.link import names
from pytest_dsql.link.messages import DeleteCluster
from pytest_dsql.target import created
from tests.fix_cluster import Cluster
from tests.fix_workers import in_turn

LIMIT_S = 50
INSTALL_LIMIT_S = 240
NODE = "node (https://nodejs.org)"
JDK = "a JDK (Debian: default-jdk-headless)"
ROOT = Path(__file__).parent.parent


class Exported(Cluster):
    """A shell that has evaluated the exports, and a cluster that nobody has used."""

    def ask(self, statement: str) -> list[Any]:
        """Run a statement in a session of its own and return its rows."""
        with closing(psycopg.connect(**self.settings(), autocommit=True)) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def wait_for_builds(self) -> None:
        """Wait until every index is built; what was refused fails."""
        for (job,) in self.ask("SELECT job_id FROM sys.jobs WHERE status IN ('submitted', 'processing')"):
            assert self.ask(f"CALL sys.wait_for_job('{job}')") == [(True,)]
        assert self.ask("SELECT details FROM sys.jobs WHERE status = 'failed'") == []

    def run(
        self,
        *command: str | Path,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        limit_s: float = LIMIT_S,
    ) -> str:
        """Run a program from this shell, with ``env`` exported besides, and return what it prints; it must succeed."""
        environment = {**os.environ, **self.environment, **(env or {})}
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=limit_s, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def exported(cloud: Cloud, pytestconfig: pytest.Config) -> Iterator[Exported]:
    """The exports in this process's environment, names resolved in it, and a cluster for this module alone."""
    if cloud.target != "local":
        pytest.skip("clients run against the stand-in; on AWS an empty cluster for each would take minutes")
    environment = {**created(cloud.environment), "PGDATABASE": "postgres"}
    with pytest.MonkeyPatch.context() as patch, names.resolved(environment):
        for name, value in environment.items():
            patch.setenv(name, value)
        exported = Exported(environment)
        yield exported
    exported.handle.ask(DeleteCluster(cluster=exported.identifier))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests of one client have a cluster of their own."""
    if "exported" in getattr(item, "fixturenames", ()):
        in_turn(item, item.path.name)


def program(name: str, package: str) -> str:
    """Return the path of a program; a test whose program is not on this machine is skipped by name."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed; it comes with {package}")
    return found


def installed(sources: Path, config: pytest.Config) -> Path:
    """Return a folder with copies of ``sources`` and the packages that their lock file names; it is kept for later."""
    npm = program("npm", NODE)
    locked = (sources / "package-lock.json").read_bytes()
    assert config.cache is not None
    folder = config.cache.mkdir("clients") / f"{sources.name}-{hashlib.sha256(locked).hexdigest()[:16]}"
    folder.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        for source in sources.iterdir():
            shutil.copy(source, folder)
        if not (folder / "installed").exists():
            install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(
                install, cwd=folder, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False
            )
            assert done.returncode == 0, done.stderr
            (folder / "installed").touch()
    return folder
