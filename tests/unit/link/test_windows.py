"""Windows, where the stand-in does not run."""

import sys

import pytest
from click.testing import CliRunner

from pytest_dsql.local import __main__ as program


def test_windows_is_told_of_wsl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    done = CliRunner().invoke(program.cli, ["dsql"])
    assert (done.exit_code, "WSL" in done.output) == (1, True)
