"""Alembic on the SQLAlchemy dialect: revisions with several indexes go up, are checked, and come down."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.fix_clients import Exported

NOT_INSTALLED = "is not installed; it comes with --group clients"
pytest.importorskip("aurora_dsql_sqlalchemy", reason=f"aurora-dsql-sqlalchemy {NOT_INSTALLED}")
alembic: Any = pytest.importorskip("alembic", reason=f"alembic {NOT_INSTALLED}")

MIGRATIONS = Path(__file__).parent / "migrations"


@pytest.fixture
def run(exported: Exported) -> Callable[..., Any]:
    """Run one of Alembic's commands; what it is given by name the revisions find in their configuration.

    It waits for the indexes of the command before: schema changes of two sessions at once may lose to each other.
    """
    from alembic import command
    from alembic.config import Config

    def run(name: str, *arguments: str, **attributes: Any) -> None:
        exported.wait_for_builds()
        config = Config(attributes=attributes)
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        getattr(command, name)(config, *arguments)

    return run


@pytest.fixture(autouse=True)
def down(run: Callable[..., Any], exported: Exported) -> Any:
    """End each test on an empty cluster."""
    yield
    run("downgrade", "base")
    assert exported.ask("SELECT to_regclass('note'), count(*) FROM alembic_version") == [(None, 0)]


def test_the_model_is_what_the_revisions_make(run: Callable[..., Any], exported: Exported) -> None:
    run("upgrade", "head")
    run("check")
    indexes = exported.ask("SELECT count(*) FROM pg_indexes WHERE tablename = 'note'")
    assert indexes == [(6,)]


def test_one_revision_at_a_time(run: Callable[..., Any], exported: Exported) -> None:
    for revision in ("0001", "0002", "0001", "0002", "0003"):
        name = "downgrade" if version(exported) > revision else "upgrade"
        run(name, revision)
        assert version(exported) == revision


def version(exported: Exported) -> str:
    """Return the version that the cluster is at."""
    if exported.ask("SELECT to_regclass('alembic_version')") == [(None,)]:
        return ""
    return "".join(number for (number,) in exported.ask("SELECT version_num FROM alembic_version"))


def test_a_revision_that_loses_is_run_again(run: Callable[..., Any], exported: Exported) -> None:
    run("upgrade", "0002")
    exported.ask("INSERT INTO note (title, owner) VALUES ('mine', 'me')")
    with pytest.raises(sa.exc.DBAPIError, match="OC000"):
        run("upgrade", "head", meet=lambda: exported.ask("UPDATE note SET state = 'done'"))
    assert version(exported) == "0002"
    assert exported.ask("SELECT state FROM note") == [("done",)]
    run("upgrade", "head")
    assert version(exported) == "0003"
