"""What the run tells its workers, those on other machines too."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import fix_run, fix_target


@pytest.fixture
def config() -> Iterator[Any]:
    with ExitStack() as leaving:
        yield SimpleNamespace(stash=pytest.Stash(), add_cleanup=leaving.callback)


@pytest.mark.parametrize(("popen", "told"), [(True, "/run/meet"), (False, "10.0.0.5")])
def test_who_is_elsewhere_is_told_something_else(config: Any, popen: bool, told: str) -> None:
    fix_run.tell(config, "meet", "/run/meet", far="10.0.0.5")
    fix_run.tell(config, "other", 7)
    channel = SimpleNamespace(setcallback=lambda _: None)
    gateway = SimpleNamespace(spec=SimpleNamespace(popen=popen), newchannel=lambda: channel)
    node = SimpleNamespace(config=config, gateway=gateway, workerinput={})
    fix_run.pytest_configure_node(node)
    worker: Any = SimpleNamespace(workerinput=node.workerinput, stash=config.stash)
    assert (fix_run.told(worker, "meet"), fix_run.told(worker, "other")) == (told, 7)


def test_files_come_with_the_variables_that_name_them(config: Any, tmp_path: Path) -> None:
    here = tmp_path / "root.pem"
    here.write_text("a certificate")
    carried = fix_target.carried({"PGSSLROOTCERT": str(here), "AWS_REGION": "us-east-1", "DSQL_CONTROL": "/no/such"})
    here.unlink()
    there = fix_target.unpacked(config, carried)
    assert {name: there[name] for name in ("AWS_REGION", "DSQL_CONTROL")} == {
        "AWS_REGION": "us-east-1",
        "DSQL_CONTROL": "/no/such",
    }
    path = Path(there["PGSSLROOTCERT"])
    assert path.read_text() == "a certificate"
    assert path.stat().st_mode & 0o777 == 0o600
    assert there.keys() == {"PGSSLROOTCERT", "AWS_REGION", "DSQL_CONTROL"}
