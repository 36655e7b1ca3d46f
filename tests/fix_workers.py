"""How pytest-xdist deals out tests: one by one, but together what shares one thing.

Tests of the shared stack (``test_chapter_*.py``) run on one worker, in turn, and so does each worker's share of all
storms (``[share3-hot_accounts]``). Sabotage goes with the first share: were it a group of its own, there would be more
groups than workers, and a share could be queued behind another that waits for it. pytest-xdist's own
``--dist loadgroup`` does not work with pytest 9.2 (pytest-xdist 3.8.0, 2026-11).
"""

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

STACK: Final = re.compile(r"(^|/)test_chapter_\d\.py::")
SHARE: Final = re.compile(r"\[(share\d+)[-\]]")
SABOTAGE: Final = re.compile(r"(^|/)test_sabotage\.py::")


def group(nodeid: str) -> str:
    """Return the name that tests of one worker have in common; a test of its own has its own."""
    if STACK.search(nodeid):
        return "stack"
    if SABOTAGE.search(nodeid):
        return "share0"
    share = SHARE.search(nodeid)
    return share[1] if share else nodeid


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
