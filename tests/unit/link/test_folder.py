"""The temporary folder that goes with who asked for it, and files that are their owner's alone."""

from pathlib import Path

import pytest

from pytest_dsql.link.folder import owned, private


def test_it_goes_with_the_block() -> None:
    with owned("dsql-test-") as folder:
        assert folder.name.startswith("dsql-test-")
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").touch()
    assert not folder.exists()


def test_one_that_cannot_be_made_is_told() -> None:
    with pytest.raises(OSError, match="no temporary folder could be made"), owned("no/such/folder/"):
        pass


def test_a_private_file_keeps_nothing_of_what_it_replaces(tmp_path: Path) -> None:
    for text in (b"longer", b"short"):
        with private(tmp_path / "file") as file:
            file.write(text)
    assert (tmp_path / "file").read_bytes() == b"short"
