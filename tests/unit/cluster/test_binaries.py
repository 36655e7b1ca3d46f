"""Where PostgreSQL's programs are found."""

import stat
from pathlib import Path

import pytest

from pytest_dsql.local.postgres import binaries
from pytest_dsql.local.postgres.binaries import NoBinaries, found


def install(folder: Path, version: str) -> Path:
    """Leave programs that say that they are of a version."""
    (folder / "bin").mkdir(parents=True)
    for name in ("initdb", "postgres"):
        program = folder / "bin" / name
        program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(binaries.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}/path:/bin:/usr/bin")
    monkeypatch.setattr(binaries, "DEBIAN", tmp_path / "debian")
    monkeypatch.setattr(binaries, "WHEEL", "no_such_wheel")


def test_a_named_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "debian", "16.4")
    monkeypatch.setenv(binaries.VARIABLE, str(install(tmp_path / "named", "16.1")))
    assert found() == tmp_path / "named"


def test_a_named_folder_of_another_version_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(binaries.VARIABLE, str(install(tmp_path / "named", "17.1")))
    with pytest.raises(NoBinaries, match=binaries.VARIABLE):
        found()


def test_pg_config_is_asked(tmp_path: Path) -> None:
    install(tmp_path / "debian", "16.4")
    own = install(tmp_path / "own", "16.2")
    config = tmp_path / "path" / "pg_config"
    config.parent.mkdir()
    config.write_text(f"#!/bin/sh\necho {own}/bin\n")
    config.chmod(0o755)
    assert found() == own


def test_debians_are_found(tmp_path: Path) -> None:
    install(tmp_path / "debian", "16.4 (Debian 16.4-1)")
    assert found() == tmp_path / "debian"


def test_another_version_does_not_serve(tmp_path: Path) -> None:
    install(tmp_path / "debian", "15.8")
    with pytest.raises(NoBinaries, match="pip install"):
        found()
