"""All that a project's dependencies bring, at the versions that are installed here.

So pip has nothing left to choose: the same installation gives the same files, whatever is released meanwhile, and
another installation is known by its versions.
"""

import importlib.metadata
import re
from collections.abc import Iterator, Sequence
from typing import Final

_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?[^;]*;?(.*)", re.DOTALL)
_EXTRA: Final = re.compile(r"""\bextra\s*==\s*["']([^"']+)["']""")


def pins(requirements: Sequence[str]) -> list[str]:
    """Return ``name==version`` for each distribution that the required ones bring, sorted.

    What another platform alone needs is not installed here, and is left to pip.
    """
    named = {_parts(requirement)[0] for requirement in requirements}
    found: dict[str, str] = {}
    left = list(requirements)
    while left:
        name, extras, _ = _parts(left.pop())
        if name not in found and (version := _version(name)):
            found[name] = version
        elif not extras:
            continue
        left += _brought(name, extras)
    return [f"{name}=={version}" for name, version in sorted(found.items()) if name not in named]


def _parts(requirement: str) -> tuple[str, frozenset[str], str]:
    """Return a requirement's name as pip compares it, its extras and its marker."""
    match = _REQUIREMENT.fullmatch(requirement.strip())
    if match is None:
        raise ValueError(f"{requirement!r} is no requirement")
    name, extras, marker = match.groups()
    words = (word.strip() for word in (extras or "").split(","))
    return re.sub(r"[-_.]+", "-", name).lower(), frozenset(filter(None, words)), marker


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _brought(name: str, extras: frozenset[str]) -> Iterator[str]:
    """Return what a distribution requires, with these extras, on any platform."""
    try:
        requires = importlib.metadata.requires(name) or ()
    except importlib.metadata.PackageNotFoundError:
        return
    for requirement in requires:
        asked = _EXTRA.search(_parts(requirement)[2])
        if asked is None or asked[1] in extras:
            yield requirement.partition(";")[0]
