"""The plugin: its options, what is started once for a run, and the fixtures. It loads nothing before it is asked."""

import os
from collections.abc import Generator
from contextlib import ExitStack
from typing import Any

import pytest

from pytest_dsql import run
from pytest_dsql.fixtures import dsql, dsql_cluster

__all__ = ["dsql", "dsql_cluster"]

pytest_plugins = ("pytest_dsql.storm.plugin",)
"""By its name: the storm stands on this plugin, and nothing of it on the storm."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("dsql", "Aurora DSQL")
    where = "where clusters come from: local (a stand-in on this machine), aws (CLUSTER_ENDPOINT), or an endpoint"
    group.addoption("--dsql", metavar="local|aws|ENDPOINT", help=f"{where} (environment: DSQL)")
    group.addoption(
        "--dsql-export",
        action="store_true",
        default=None,
        help="set the cluster's variables in this process before anything of yours is imported",
    )
    parser.addini("dsql", where)
    parser.addini("dsql_export", "as --dsql-export", type="bool", default=False)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Export the cluster's variables, where that is wanted, before a module of the user's is imported.

    It wraps the other plugins' hooks: pytest-django's imports the settings.
    """
    if _exports(early_config):
        _export(early_config)
    return (yield)


def _exports(config: pytest.Config) -> bool:
    return bool(config.known_args_namespace.dsql_export or config.getini("dsql_export"))


def _export(config: pytest.Config) -> None:
    from pytest_dsql.link import names

    exported = ExitStack()
    config.add_cleanup(exported.close)
    patch = exported.enter_context(pytest.MonkeyPatch.context())
    if run.ASK not in os.environ:
        patch.setenv(run.ASK, run.shared_of(config).listen())
    try:
        environment = run.target_of(config).environment
    except run.NoTarget as error:
        raise pytest.UsageError(str(error)) from None
    for name, value in environment.items():
        patch.setenv(name, value)
    exported.enter_context(names.resolved(environment))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where to ask."""
    node.workerinput[run.TOLD] = run.shared_of(node.config).listen()


def pytest_report_header(config: pytest.Config) -> str | None:
    found = run.described(config)
    return f"dsql: {found}" if found else None
