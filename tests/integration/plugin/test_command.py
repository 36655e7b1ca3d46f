"""``dsql-local``, as its users run it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_dsql import command
from tests.fix_clients import NODE, program


def test_a_command_has_a_cluster_and_its_status_is_ours() -> None:
    asks = """
import os, sys
from pytest_dsql.cluster import Cluster
sys.exit(Cluster(os.environ).connect().execute("SELECT 7").fetchone()[0])
"""
    done = CliRunner().invoke(command.cli, ["exec", "--", sys.executable, "-c", asks])
    assert done.exit_code == 7, done.output


def test_node_finds_what_it_needs_in_a_folder_with_a_blank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / 'a "b" \\c'
    folder.mkdir()
    monkeypatch.setattr(command, "NAMES", Path(shutil.copy(command.NAMES, folder)))
    environment = {**os.environ, **command._for_programs({})}
    subprocess.run([program("node", NODE), "-e", "0"], env=environment, check=True, timeout=20)
