"""The layers of the suite: each test carries the marker of the folder it stands in."""

from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

LAYERS = {
    "unit": "the transfer and its retry, and the parts of the stand-in, on a local PostgreSQL",
    "integration": "Aurora DSQL and the stack, on this machine or on AWS (--target)",
    "clients": "clients of Aurora DSQL as their authors ship them, on this machine",
    "stress": "the storm: thousands of transfers at once, and a verdict",
}
TESTS = Path(__file__).parent

_SPEAKING = (
    "tests.fix_bank",
    "tests.fix_engine",
    "tests.fix_front",
    "tests.fix_function",
    "tests.fix_functions",
    "tests.fix_aws",
    "tests.fix_cluster",
    "tests.fix_probes",
    "tests.fix_sessions",
    "tests.fix_clients",
    "tests.fix_alone",
    "tests.fix_principals",
    "tests.fix_projects",
)
"""Of tests that speak to a database themselves."""
PLUGINS = {"unit": _SPEAKING, "integration": _SPEAKING, "clients": _SPEAKING, "stress": ("tests.fix_arena",)}
"""What a layer needs besides. It is imported where it is needed: a storm has workers by the dozen."""


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in LAYERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
        for plugin in PLUGINS[name] if selects(config, name) else ():
            config.pluginmanager.import_plugin(plugin)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even look into a layer that ``-m`` leaves out: importing its tests costs each worker seconds."""
    left_out = collection_path.parent == TESTS and collection_path.name in LAYERS
    return True if left_out and not selects(config, collection_path.name) else None


def pytest_itemcollected(item: pytest.Item) -> None:
    if TESTS in item.path.parents:
        layer = item.path.relative_to(TESTS).parts[0]
        if layer in LAYERS:
            item.add_marker(layer)


def selects(config: pytest.Config, layer: str) -> bool:
    """Whether this run may reach tests of ``layer``, by its paths and its ``-m`` expression."""
    folder = TESTS / layer
    paths = [Path(arg.partition("::")[0]).resolve() for arg in config.args]
    on_the_way = any(path == folder or path in folder.parents or folder in path.parents for path in paths)
    return on_the_way and _may_match(config.option.markexpr, layer)


def _may_match(expression: str, layer: str) -> bool:
    """Whether a test with this layer's marker can match, be its other markers none or all."""
    other_layers = LAYERS.keys() - {layer}

    def plain(name: str, /, **_: object) -> bool:
        return name == layer

    def decorated(name: str, /, **_: object) -> bool:
        return name not in other_layers

    return not expression or any(Expression.compile(expression).evaluate(marked) for marked in (plain, decorated))
