"""How pytest-xdist deals out tests: one by one, but together what shares one thing.

Tests of the shared stack (``test_chapter_*.py``) run on one worker, in turn, and so does each share of a storm
(``[share3]``). pytest-xdist's own ``--dist loadgroup`` does not work with pytest 9.2 (pytest-xdist 3.8.0, 2026-11).
"""

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

STACK: Final = re.compile(r"(^|/)test_chapter_\d\.py::")
SHARE: Final = re.compile(r"\[share\d+\]$")


def group(nodeid: str) -> str:
    """Return the name that tests of one worker have in common; a test of its own has its own."""
    if STACK.search(nodeid):
        return "stack"
    share = SHARE.search(nodeid)
    return share[0] if share else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "LoadScopeScheduling | None":
    from xdist.scheduler import LoadScopeScheduling

    if config.getvalue("dist") != "load":
        return None

    class Grouped(LoadScopeScheduling):  # type: ignore[misc]
        """Deals out groups."""

        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return Grouped(config, log)


def pytest_itemcollected(item: pytest.Item) -> None:
    """There is one stack: whatever uses it must be known for it by its name."""
    shared = "integration" in item.path.parts and "stack" in getattr(item, "fixturenames", ())
    if shared and not STACK.search(item.nodeid):
        raise pytest.UsageError(f"{item.nodeid} uses the shared stack; such tests stand in test_chapter_<n>.py")
