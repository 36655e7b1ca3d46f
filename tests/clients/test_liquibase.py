"""Liquibase on pgjdbc: a changelog with asynchronous indexes goes up, comes down, and is run again where it lost."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_dsql.link import names
from tests.fix_clients import INSTALL_LIMIT_S, JDK, LIMIT_S, Exported, installed, program

SOURCES = Path(__file__).parent / "liquibase"
CHANGES = 6
MEANWHILE = f"""#!{sys.executable}
import os, pathlib, psycopg
done = pathlib.Path(__file__ + ".done")
if not done.exists():
    with psycopg.connect(sslrootcert=os.environ["PGSSLROOTCERT"]) as connection:
        connection.execute("UPDATE plant SET bed = 9 WHERE name = 'mint'")
    done.touch()
"""
Liquibase = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def program_folder(pytestconfig: pytest.Config) -> Path:
    """Liquibase as npm has it, with Java's programs and libraries in it."""
    program("java", JDK)
    return installed(SOURCES, pytestconfig)


@pytest.fixture
def liquibase(exported: Exported, program_folder: Path, tmp_path: Path) -> Liquibase:
    """Run one of Liquibase's commands on the changelog."""
    hosts, meanwhile = tmp_path / "hosts", tmp_path / "meanwhile"
    hosts.write_text("\n".join(names.lines(exported.environment)))
    meanwhile.write_text(MEANWHILE)
    meanwhile.chmod(0o755)
    signed_in = {"PGUSER": "admin", "PGPASSWORD": exported.token()}
    environment = {
        **exported.environment,
        **signed_in,
        "JAVA_OPTS": f"-Djdk.net.hosts.file={hosts} -Dmeanwhile={meanwhile}",
        "LIQUIBASE_COMMAND_URL": f"jdbc:postgresql://{exported.host}:5432/postgres?sslmode=verify-full"
        f"&sslrootcert={exported.environment['PGSSLROOTCERT']}",
        "LIQUIBASE_COMMAND_USERNAME": "admin",
        "LIQUIBASE_COMMAND_PASSWORD": signed_in["PGPASSWORD"],
        "LIQUIBASE_COMMAND_CHANGELOG_FILE": "changelog.xml",
        "PATH": f"{Path(program('java', JDK)).parent}:/usr/bin:/bin",
    }
    command = program_folder / "node_modules" / "liquibase" / "dist" / "liquibase" / "liquibase"

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", command, *arguments],
            cwd=program_folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    return run


def applied(exported: Exported) -> list[str]:
    return [name for (name,) in exported.ask("SELECT id FROM databasechangelog ORDER BY orderexecuted")]


@pytest.mark.timeout(INSTALL_LIMIT_S + 5 * LIMIT_S)
def test_a_changelog_is_run_again_where_it_lost_and_comes_down(exported: Exported, liquibase: Liquibase) -> None:
    lost = liquibase("update")
    assert lost.returncode != 0
    assert "change conflicts with another transaction (OC000)" in lost.stdout + lost.stderr, lost.stderr[-1500:]
    assert applied(exported) == ["1", "2", "3", "4"]
    assert exported.ask("SELECT locked FROM databasechangeloglock") == [(False,)]

    exported.wait_for_builds()
    again = liquibase("update")
    assert again.returncode == 0, again.stderr
    assert exported.ask("SELECT name, bed FROM plant ORDER BY name") == [("mint", 10), ("thyme", 2)]
    assert applied(exported) == [str(number) for number in range(1, CHANGES + 1)]
    exported.wait_for_builds()
    assert exported.ask("SELECT count(*) FROM pg_indexes WHERE tablename = 'plant'") == [(5,)]
    assert "is up to date" in liquibase("status").stdout + liquibase("status").stderr

    down = liquibase("rollback-count", str(CHANGES))
    assert down.returncode == 0, down.stderr
    assert applied(exported) == []
    assert exported.ask("SELECT to_regclass('plant')") == [(None,)]
