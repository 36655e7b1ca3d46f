"""Clients for node: AWS's connector, pg with a signed token, Knex and Drizzle; each is a program of its own."""

from pathlib import Path

import pytest

from tests.fix_clients import INSTALL_LIMIT_S, NODE, ROOT, Exported, installed, program

SOURCES = Path(__file__).parent / "node"


@pytest.fixture(scope="module")
def node(pytestconfig: pytest.Config) -> Path:
    """A folder with the programs and their packages."""
    return installed(SOURCES, pytestconfig)


@pytest.mark.timeout(INSTALL_LIMIT_S + 60)
@pytest.mark.parametrize("client", ["connector", "pg", "knex", "drizzle"])
def test_node(exported: Exported, node: Path, client: str) -> None:
    resolved = {"NODE_OPTIONS": f"--require {ROOT / 'src' / 'pytest_dsql' / 'link' / 'names.cjs'}"}
    assert exported.run(program("node", NODE), f"{client}.js", cwd=node, env=resolved) == ""
