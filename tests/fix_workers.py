"""How pytest-xdist deals out tests: one by one, but to one worker, in turn, what bears the same ``in_turn(name)``.

Plugins mark what their fixtures share: the stack, on AWS its cluster as well (a schema change of one test costs every
other one an OC001), a client's cluster, a worker's share of all storms. Markers are the workers' to know, and who deals
out is the run's own process, so workers report them. pytest-xdist's own ``--dist loadgroup`` does not work with
pytest 9.2 (pytest-xdist 3.8.0, 2026-11).
"""

import atexit
import gc
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.fix_run import elsewhere, is_worker, report, reported

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

_GROUPS: Final = "groups"


def in_turn(item: pytest.Item, name: str) -> None:
    """Have a test run on one worker with all others of that name, unless it says itself with which."""
    if item.get_closest_marker("in_turn") is None:
        item.add_marker(pytest.mark.in_turn(name))


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

        @cached_property
        def _groups(self) -> dict[str, str]:
            """The groups of tests that have one; every worker has reported the same."""
            return dict(reported(config, _GROUPS))

        def _split_scope(self, nodeid: str) -> str:
            return self._groups.get(nodeid, nodeid)

    return Grouped(config, log)


def pytest_configure(config: pytest.Config) -> None:
    if elsewhere(config) and config.option.maxworkerrestart is None:
        config.option.maxworkerrestart = "0"  # a machine that is gone does not come back; who replaces it would wait
    atexit.register(gc.freeze)  # the interpreter's last collection would take a second of each worker
    config.addinivalue_line("markers", "long: takes a large part of the run; workers begin with it")
    config.addinivalue_line("markers", "in_turn(name): runs on one worker with all others of that name")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Report the groups, before xdist says that this worker has collected."""
    if is_worker(session.config):
        marks = ((item.nodeid, item.get_closest_marker("in_turn")) for item in session.items)
        report(session.config, _GROUPS, {nodeid: mark.args[0] for nodeid, mark in marks if mark})


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long: were it dealt out last, one worker would be at it while the others have nothing."""
    if is_worker(config):
        items.sort(key=lambda item: item.get_closest_marker("long") is None)
