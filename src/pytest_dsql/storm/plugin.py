"""The storm's part of the plugin: its options, its fixture, what a run says of its storms. It loads nothing before."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from pytest_dsql.cluster import Cluster
    from pytest_dsql.storm.own.report import StormReport
    from pytest_dsql.storm.own.storm import Storm
    from pytest_dsql.storm.report.text import Progress

NUMBERS: Final = {
    "calls": "how many calls a storm makes",
    "parallel": "how many of them at a time",
    "seed": "what they are drawn by",
}
TOLD: Final = "dsql_storm"
"""By which name a test's report, also a worker's of pytest-xdist, carries what is to be said of its storms."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what a run can say in place of its tests."""
    group = parser.getgroup("dsql", "Aurora DSQL")
    for name, meaning in NUMBERS.items():
        group.addoption(f"--dsql-storm-{name}", type=int, metavar="N", help=f"{meaning}, whatever its test says")
    group.addoption("--dsql-report", type=Path, metavar="DIR", help="where storms leave their records and reports")


@pytest.fixture
def dsql_storm(dsql: "Cluster", request: pytest.FixtureRequest) -> "Storm":
    """Storms a workload on this test's cluster, and fails the test where anything is found."""
    from pytest_dsql.storm.own.storm import Run, Storm

    config, screen = request.config, _Screen(request.config)

    def tell(report: "StormReport") -> None:
        request.node.user_properties.append((TOLD, f"{report.headline}\n{report.repeat}"))
        if report.interrupted:
            screen.write(report.text)

    said = {name: config.getoption(f"dsql_storm_{name}") for name in NUMBERS}
    numbers = {name: number for name, number in said.items() if number is not None}
    run = Run(_command(request), config.rootpath, numbers, config.getoption("dsql_report"), screen.show, tell)
    return Storm(dsql, request.node.name, run)


def _command(request: pytest.FixtureRequest) -> str:
    """Return what runs a test again."""
    path = os.path.relpath(request.path, request.config.invocation_params.dir)
    words = ["pytest", f"{path}::{request.node.nodeid.partition('::')[2]}"]
    if where := request.config.known_args_namespace.dsql:
        words.append(f"--dsql={where}")
    return shlex.join(words)


class _Screen:
    """Where a person watches, if there is one."""

    def __init__(self, config: pytest.Config) -> None:
        self._terminal: Any = config.pluginmanager.getplugin("terminalreporter")
        self._capture: Any = config.pluginmanager.getplugin("capturemanager")

    def show(self, progress: "Progress") -> None:
        """Show how far a storm is, on a line that is overwritten."""
        from pytest_dsql.storm.report.text import live_line

        if self._terminal and self._terminal.isatty:
            with self._capture.global_and_fixture_disabled():
                self._terminal.rewrite(live_line(progress), erase=True)

    def write(self, text: str) -> None:
        """Say something that stays."""
        if self._terminal:
            with self._capture.global_and_fixture_disabled():
                self._terminal.write_line(f"\n{text}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say of storms that passed what they were, and how to see them again; of those that failed it is said already."""
    passed = [report for report in terminalreporter.getreports("passed") if report.when == "call"]
    told = [text for report in passed for name, text in report.user_properties if name == TOLD]
    if told:
        terminalreporter.section("storms")
        for text in told:
            terminalreporter.write_line(text)
