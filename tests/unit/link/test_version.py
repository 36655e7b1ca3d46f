"""Which stand-in is run, and whether it goes with these tests."""

import sys
from pathlib import Path

import pytest

from pytest_dsql.link import version


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    tool = tmp_path / ".local" / "bin" / "dsql-local"
    tool.parent.mkdir(parents=True)
    tool.touch(0o755)
    return tool


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment that has no stand-in, and whose user's home is empty."""
    monkeypatch.delenv(version.COMMAND, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)


def test_it_is_this_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(version.COMMAND, raising=False)
    assert version.command()[0] == sys.executable


def test_or_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch, tool: Path) -> None:
    monkeypatch.setenv(version.COMMAND, str(tool))
    assert version.command() == [str(tool), "serve"]


def test_one_that_is_named_and_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(version.COMMAND, "/no/dsql-local")
    with pytest.raises(version.VersionError, match="^DSQL_COMMAND=/no/dsql-local is no program$"):
        version.command()


def test_or_one_that_pipx_or_uv_has_installed(bare: None, tool: Path) -> None:
    assert version.command() == [str(tool), "serve"]


def test_where_there_is_none_it_says_how_to_have_one(bare: None) -> None:
    with pytest.raises(version.VersionError, match="pipx install pytest-dsql"):
        version.command()


def test_one_of_this_version_goes_with_these_tests() -> None:
    version.check({version.VERSION: version.version()})


@pytest.mark.parametrize("environment", [{}, {version.VERSION: "0.0.1"}])
def test_one_of_another_version_does_not(environment: dict[str, str]) -> None:
    with pytest.raises(version.VersionError, match="of another version: it is (0.0.1|an earlier one), this is"):
        version.check(environment)
