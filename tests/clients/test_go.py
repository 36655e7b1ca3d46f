"""pgx and its pool, as Debian has them: Go's modules are not fetched for a test."""

import subprocess
from pathlib import Path

import pytest

from pytest_dsql.link import names
from tests.fix_clients import Exported, program

SOURCE = Path(__file__).parent / "go" / "main.go"
LIBRARIES = Path("/usr/share/gocode")
PGX = LIBRARIES / "src" / "github.com" / "jackc" / "pgx" / "v4"
BUILD_LIMIT_S = 240


@pytest.fixture(scope="module")
def built(exported: Exported, pytestconfig: pytest.Config) -> Path:
    """The program, compiled; what Go has compiled once is kept for later runs."""
    go = program("go", "Go (Debian: golang-go)")
    if not PGX.exists():
        pytest.skip(f"{PGX} is not installed; it comes with Debian's golang-github-jackc-pgx-v4-dev")
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("clients-go")
    environment = {"GO111MODULE": "off", "GOPATH": str(LIBRARIES), "GOCACHE": str(folder / "cache"), "GOFLAGS": ""}
    exported.run(go, "build", "-o", folder / "client", SOURCE, env=environment, limit_s=BUILD_LIMIT_S)
    return folder / "client"


@pytest.mark.timeout(BUILD_LIMIT_S + 60)
def test_pgx(exported: Exported, built: Path, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("\n".join(names.lines(exported.environment)))
    # Go reads /etc/hosts alone: it has one of its own for as long as it runs.
    own = [program("unshare", "util-linux"), "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        pytest.skip("unshare may not make a namespace on this machine")
    script = 'mount --bind "$0" /etc/hosts && exec "$1"'
    assert exported.run(*own, script, hosts, built, env={"PGPASSWORD": exported.token()}) == ""
