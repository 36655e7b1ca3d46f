"""Versions of all that is brought by what is installed here."""

import importlib.metadata
from collections.abc import Sequence

import pytest

from infra.pins import pins

INSTALLED: dict[str, tuple[str, Sequence[str]]] = {
    "app": (
        "1.0",
        ("Some_Library>=2 ; python_version < '4'", 'extra-one>=1; extra == "one"', "elsewhere; os_name=='x'"),
    ),
    "some-library": ("2.1", ("deep",)),
    "deep": ("3.0", ("app",)),
    "extra-one": ("4.0", ()),
}


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation of four distributions."""

    def known(name: str) -> tuple[str, Sequence[str]]:
        if name not in INSTALLED:
            raise importlib.metadata.PackageNotFoundError(name)
        return INSTALLED[name]

    monkeypatch.setattr(importlib.metadata, "version", lambda name: known(name)[0])
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: known(name)[1])


def test_what_is_brought_is_held_too() -> None:
    assert pins(["app>=1"]) == ["deep==3.0", "some-library==2.1"]


def test_an_extra_counts_where_it_is_asked_for() -> None:
    assert "extra-one==4.0" in pins(["app[one]"])
    assert "extra-one==4.0" in pins(["app[one]", "app"])
    assert "extra-one==4.0" not in pins(["app[other]"])


def test_what_is_not_installed_is_not_held() -> None:
    assert pins(["elsewhere>=1"]) == []
