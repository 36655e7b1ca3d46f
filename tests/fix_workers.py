"""How pytest-xdist deals out tests: one by one, but together what shares one thing.

Tests of the shared stack (``test_chapter_*.py``) run on one worker, in turn; on AWS also those of a cluster, for it is
the stack's, and a schema change of one test costs every other one an OC001. So do the tests of one client, which have
a cluster of their own, and each worker's share of all storms (``[share3-hot_accounts]``). Sabotage goes with the first
share: were it a group of its own, there would be more groups than workers, and a share could be queued behind another
that waits for it. pytest-xdist's own ``--dist loadgroup`` does not work with pytest 9.2 (pytest-xdist 3.8.0, 2026-11).
"""

import atexit
import gc
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.fix_run import is_worker

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

STACK: Final = re.compile(r"(^|/)test_chapter_\d\.py::")
CLIENT: Final = re.compile(r"(^|/)clients/(test_\w+\.py)::")
CLUSTER: Final = re.compile(r"(^|/)integration/(?!walkthrough/)")
SHARE: Final = re.compile(r"\[(share\d+)[-\]]")
SABOTAGE: Final = re.compile(r"(^|/)test_sabotage\.py::")


def group(nodeid: str, target: str) -> str:
    """Return the name that tests of one worker have in common; a test of its own has its own."""
    if STACK.search(nodeid) or (target == "aws" and CLUSTER.search(nodeid)):
        return "stack"
    if client := CLIENT.search(nodeid):
        return client[2]
    if SABOTAGE.search(nodeid):
        return "share0"
    share = SHARE.search(nodeid)
    return share[1] if share else nodeid


class Mended:
    """Mends what a worker's death leads to in pytest-xdist 3.8.0.

    There the run waits without end, or the worker's successors die of the same test, one by one (its issues 1323, 1327
    and 1378, pull request 1371; two of them are mended since, but not released as of 2026-11).
    """

    assigned_work: dict[Any, dict[str, dict[str, bool]]]
    registered_collections: dict[Any, list[str]]
    workqueue: dict[str, dict[str, bool]]

    def remove_node(self, node: Any) -> str | None:
        """Deal out again what a worker that died has left, but neither what it has done nor what it died of."""
        dealt = self.assigned_work.pop(node)
        left = [(tests, test) for tests in dealt.values() for test, done in tests.items() if not done]
        if not left:
            return None
        tests, test = left[0]
        tests[test] = True
        self.workqueue.update({name: tests for name, tests in dealt.items() if not all(tests.values())})
        for other in self.assigned_work:
            self._reschedule(other)
        return test

    def _reschedule(self, node: Any) -> None:
        """Give a worker its next group, or two: it begins a test when it knows what comes after."""
        if node not in self.registered_collections:
            return
        deal: Callable[[Any], None] = super()._reschedule  # type: ignore[misc]
        deal(node)
        dealt = self.assigned_work[node]
        if not node.shutting_down and sum(not done for tests in dealt.values() for done in tests.values()) < 2:
            deal(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "LoadScopeScheduling | None":
    from xdist.scheduler import LoadScopeScheduling

    if config.getvalue("dist") != "load":
        return None

    class Grouped(Mended, LoadScopeScheduling):  # type: ignore[misc]
        """Deals out groups."""

        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid, config.option.target)

    return Grouped(config, log)


def pytest_configure(config: pytest.Config) -> None:
    atexit.register(gc.freeze)  # the interpreter's last collection would take a second of each worker
    config.addinivalue_line("markers", "long: takes a large part of the run; workers begin with it")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long: were it dealt out last, one worker would be at it while the others have nothing."""
    if is_worker(config):
        items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_itemcollected(item: pytest.Item) -> None:
    """There is one stack: whatever uses it must be known for it by its name."""
    shared = "integration" in item.path.parts and "stack" in getattr(item, "fixturenames", ())
    if shared and not STACK.search(item.nodeid):
        raise pytest.UsageError(f"{item.nodeid} uses the shared stack; such tests stand in test_chapter_<n>.py")
