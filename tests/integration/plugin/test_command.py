"""``dsql-local``, as its users run it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from pytest_dsql import command
from tests.fix_alone import Alone
from tests.fix_clients import NODE, program


def test_a_command_has_a_cluster_and_its_status_is_ours() -> None:
    asks = """
import os, sys
from pytest_dsql.cluster import Cluster
sys.exit(Cluster(os.environ).connect().execute("SELECT 7").fetchone()[0])
"""
    done = CliRunner().invoke(command.cli, ["exec", "--", sys.executable, "-c", asks])
    assert done.exit_code == 7, done.output


@pytest.mark.parametrize(("name", "status"), [("no-such-program", 127), (__file__, 126)])
def test_a_command_that_cannot_be_run_ends_as_a_shell_has_it(name: str, status: int) -> None:
    done = CliRunner().invoke(command.cli, ["exec", "--", name])
    assert (done.exit_code, f"Error: {name} cannot be run: " in done.output) == (status, True)


def test_the_stand_in_may_live_in_another_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "dsql-local"
    asked = tmp_path / "asked"
    other.write_text(
        f"#!{sys.executable}\nfrom pathlib import Path\nfrom pytest_dsql.command import cli\n"
        f"Path({str(asked)!r}).touch()\ncli()\n"
    )
    other.chmod(0o755)
    monkeypatch.setenv("DSQL_COMMAND", str(other))
    done = CliRunner().invoke(command.cli, ["exec", "--", sys.executable, "-c", "print()"])
    assert (done.exit_code, asked.exists()) == (0, True), done.output


def test_a_stand_in_of_another_version_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DSQL_CONTROL": "/gone", "CLUSTER_ENDPOINT": "x", "DSQL_VERSION": "0.0.1"}.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(command.cli, ["status"])
    assert (done.exit_code, "of another version: it is 0.0.1" in done.output) == (1, True)


def test_node_finds_what_it_needs_in_a_folder_with_a_blank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / 'a "b" \\c'
    folder.mkdir()
    monkeypatch.setattr(command, "NAMES", Path(shutil.copy(command.NAMES, folder)))
    environment = {**os.environ, **command._for_programs({})}
    subprocess.run([program("node", NODE), "-e", "0"], env=environment, check=True, timeout=20)


def test_faults_are_set_counted_and_cleared_from_a_shell(
    alone: Callable[..., Alone], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = alone()
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(command.cli, ["faults", *arguments])
        assert done.exit_code == 0, done.output
        return done.output.strip()

    connection = cluster.connect()
    connection.execute("CREATE TABLE t (id int)")
    conflict, slow = run("set", "conflict", "--table", "t"), run("set", "slow", "--seconds", "0.01")
    with pytest.raises(psycopg.errors.SerializationFailure):
        connection.execute("INSERT INTO t VALUES (1)")
    assert (run("count", conflict), run("clear", conflict), run("clear")) == ("1", f"{conflict}: 1", f"{slow}: 1")
    done = CliRunner().invoke(command.cli, ["faults", "clear", conflict])
    assert (done.exit_code, f"there is no fault {conflict}" in done.output) == (1, True)
