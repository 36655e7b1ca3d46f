"""The zip: the same bytes each time, and for either target the same but for the platform of its wheels."""

import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from infra.bundle import BundleError, Platform, build
from infra.cloud import Cloud

LINUX = Platform()
LIMIT_BYTES = 262_144_000
"""A function's code, unpacked. Source: AWS Lambda developer guide, quotas, 2026-10."""


def contents(zipped: Path) -> dict[str, int]:
    with zipfile.ZipFile(zipped) as archive:
        return {info.filename: info.file_size for info in archive.infolist()}


def test_the_same_again_is_the_same_bytes(cloud: Cloud, code: Path, tmp_path: Path) -> None:
    again = build(cloud.platform, tmp_path)
    assert (again.name, again.read_bytes()) == (code.name, code.read_bytes())


def test_what_was_built_is_not_built_again(cloud: Cloud, code: Path) -> None:
    before = code.stat().st_mtime_ns
    assert build(cloud.platform, code.parent).stat().st_mtime_ns == before


def test_on_aws_it_is_the_same_but_for_the_wheels_platform(code: Path, tmp_path: Path) -> None:
    here, there = contents(code), contents(build(LINUX, tmp_path))

    def own(names: dict[str, int]) -> set[str]:
        """Files that are not compiled, and not about how they were."""
        return {name for name in names if not re.search(r"\.libs/|\.so|\.dist-info/", name)}

    assert own(here) == own(there)
    assert {name: size for name, size in here.items() if name.startswith("transfer/")} == {
        name: size for name, size in there.items() if name.startswith("transfer/")
    }
    assert any(re.search(r"psycopg_binary/.*x86_64-linux-gnu\.so", name) for name in there)
    assert sum(there.values()) < LIMIT_BYTES


def test_nothing_of_the_tests_or_the_stand_in_is_in_it(code: Path) -> None:
    tops = {re.split(r"[/.]", name, maxsplit=1)[0] for name in contents(code)}
    assert {"transfer", "psycopg", "psycopg_binary", "boto3", "botocore"} <= tops
    assert not tops & {"infra", "tests", "moto", "pytest", "postgast", "pytest_dsql", "awslambdaric"}


def test_what_cannot_be_had_is_told(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="No matching distribution found"):
        build(replace(LINUX, python="3.1"), tmp_path)
    assert list(tmp_path.iterdir()) == []
