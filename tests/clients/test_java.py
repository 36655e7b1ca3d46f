"""pgjdbc: metadata, prepared and batch statements, results that can be changed, and HikariCP; a program for each."""

from pathlib import Path

import pytest

from pytest_dsql.link import names
from tests.fix_clients import JDK, Exported, program

SOURCES = Path(__file__).parent / "java"
JARS = Path("/usr/share/java")


def jar(name: str, package: str) -> Path:
    """Return a library; a test whose library is not on this machine is skipped by name."""
    path = JARS / name
    if not path.exists():
        pytest.skip(f"{path} is not installed; it comes with Debian's {package}")
    return path


@pytest.fixture(scope="module")
def classes(exported: Exported, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The class path: the programs, compiled, the driver and the pool."""
    compiler = program("javac", JDK)
    folder = tmp_path_factory.mktemp("classes")
    libraries = (
        jar("postgresql.jar", "libpostgresql-jdbc-java"),
        jar("HikariCP.jar", "libhikaricp-java"),
        jar("slf4j-api.jar", "libslf4j-java"),
        jar("slf4j-nop.jar", "libslf4j-java"),
    )
    path = ":".join(map(str, (folder, *libraries)))
    exported.run(compiler, "-Xlint:all", "-Werror", "-proc:none", "-cp", path, "-d", folder, *SOURCES.glob("*.java"))
    return path


@pytest.mark.parametrize("client", ["Metadata", "Statements", "Updatable", "Pool"])
def test_jdbc(exported: Exported, classes: str, tmp_path: Path, client: str) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("\n".join(names.lines(exported.environment)))
    command = [program("java", JDK), f"-Djdk.net.hosts.file={hosts}", "-cp", classes, client]
    assert exported.run(*command, env={"PGPASSWORD": exported.token()}) == ""
