"""The zip's name and contents, for a project of a few files; what pip brings is the walk-through's to test."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from infra import bundle
from infra.bundle import Platform, build


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one source file of a project without dependencies."""
    path = tmp_path / "src" / "transfer" / "greeting.py"
    path.parent.mkdir(parents=True)
    path.write_text("GREETING = 'hello'\n")
    (path.parent / "requirements.txt").write_text("# Nothing.\n")
    (tmp_path / "src" / "pytest_dsql").mkdir()
    (tmp_path / "src" / "pytest_dsql" / "plugin.py").write_text("")
    monkeypatch.setattr(bundle, "ROOT", tmp_path)
    monkeypatch.setattr(bundle, "_gather", gathered)
    return path


def gathered(folder: Path, _: Platform) -> None:
    """Leave what pip does, a library of a few files."""
    for name in ("library/core.py", "library/tests/test_core.py", "library/__pycache__/core.pyc", "bin/library"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")


def test_changed_source_is_another_zip(source: Path, tmp_path: Path) -> None:
    before = build(Platform(), tmp_path / "cache")
    source.write_text("GREETING = 'hullo'\n")
    assert build(Platform(), tmp_path / "cache") != before


@pytest.mark.usefixtures("source")
def test_what_is_not_the_functions_changes_nothing(tmp_path: Path) -> None:
    before = build(Platform(), tmp_path / "cache")
    (tmp_path / "src" / "pytest_dsql" / "plugin.py").write_text("changed = True\n")
    assert build(Platform(), tmp_path / "cache") == before


@pytest.mark.parametrize("change", [{"machine": "arm64"}, {"python": "3.99"}, {"local": True}])
def test_another_platform_is_another_zip(source: Path, tmp_path: Path, change: dict[str, object]) -> None:
    other = replace(Platform(), **change)  # type: ignore[arg-type]
    assert build(other, tmp_path / "cache") != build(Platform(), tmp_path / "cache")


def test_lambda_may_read_every_file(source: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(build(Platform(), tmp_path / "cache")) as archive:
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o644}


def test_programs_tests_and_bytecode_stay_out(source: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(build(Platform(), tmp_path / "cache")) as archive:
        assert archive.namelist() == ["library/core.py", "transfer/greeting.py"]


def test_arm_takes_wheels_by_the_name_that_linux_has_for_it() -> None:
    assert "manylinux2014_aarch64" in Platform(machine="arm64").pip_arguments


def test_another_version_of_what_a_dependency_brings_is_another_zip(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    for version in ("1.0", "1.1", "1.0"):
        monkeypatch.setattr(bundle, "pins", lambda _, version=version: [f"library=={version}"])
        built.append(build(Platform(), tmp_path / "cache"))
    assert built[0] != built[1]
    assert built[0] == built[2]
