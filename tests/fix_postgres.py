"""One PostgreSQL for the whole run, however many workers it has, and a database of its own for each worker."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.fix_layers import selects
from tests.fix_run import is_worker, tell, told

if TYPE_CHECKING:
    from pytest_dsql.local.postgres.provider import Postgres

_server: "pytest.StashKey[Postgres]" = pytest.StashKey()
_URL = "postgres-url"

NOT_FROM_ENVIRONMENT = {"hostaddr": "", "port": "5432"}
"""Tests set libpq's variables for the function; the way to the server must not follow them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("postgres", "PostgreSQL of the unit tests")
    group.addoption(
        "--postgres",
        metavar="auto|container|embedded|URL",
        default=os.environ.get("DSQL_POSTGRES", "auto"),
        help="where PostgreSQL 16 comes from; auto: a container where a Docker engine answers, else embedded "
        "(environment: DSQL_POSTGRES)",
    )
    group.addoption(
        "--postgres-image",
        metavar="IMAGE",
        default=os.environ.get("DSQL_POSTGRES_IMAGE"),
        help="image of the container in place of PostgreSQL's own (environment: DSQL_POSTGRES_IMAGE)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if not is_worker(config) and not config.option.collectonly and selects(config, "unit"):
        _start(config)


def _start(config: pytest.Config) -> None:
    from pytest_dsql.local.postgres import provider

    stack = contextlib.ExitStack()
    config.add_cleanup(stack.close)
    try:
        server = stack.enter_context(
            provider.start(config.option.postgres, config.option.postgres_image or provider.IMAGE)
        )
    except provider.PostgresUnavailable as error:
        message = f"--postgres {_without_password(config.option.postgres)}: {error}"
        raise pytest.UsageError(message) from None
    stack.callback(_drop_engine_role, server.url)
    config.stash[_server] = server
    tell(config, _URL, server.url)


def _drop_engine_role(url: str) -> None:
    """Leave no role behind on a server that somebody else runs."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS pg_occ_engine")


def _without_password(choice: str) -> str:
    if "://" not in choice:
        return choice
    from psycopg import conninfo

    return conninfo.make_conninfo(choice, password="***") if "password" in conninfo.conninfo_to_dict(choice) else choice


def pytest_report_header(config: pytest.Config) -> str | None:
    return f"postgres: {config.stash[_server]}" if _server in config.stash else None


@pytest.fixture(scope="session")
def postgres_url(pytestconfig: pytest.Config) -> str:
    """URL of the run's server, as a user who may create databases."""
    if told(pytestconfig, _URL) is None:
        _start(pytestconfig)
    return str(told(pytestconfig, _URL))


@pytest.fixture(scope="session")
def database(postgres_url: str) -> Iterator[str]:
    """URL of a database that is this worker's own, for the bank; dropped at the end."""
    with new_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="module")
def own_database(postgres_url: str) -> Iterator[str]:
    """URL of an empty database that is this module's own; dropped at its end."""
    with new_database(postgres_url) as url:
        yield url


@contextlib.contextmanager
def new_database(server: str) -> Iterator[str]:
    """Create a database on ``server``, give its URL, and drop it with whoever is still connected."""
    import psycopg
    from psycopg import conninfo, sql

    dbname = f"dsql_test_{uuid.uuid4().hex}"
    settings = {**NOT_FROM_ENVIRONMENT, **conninfo.conninfo_to_dict(server), "dbname": dbname}
    name = sql.Identifier(dbname)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            yield conninfo.make_conninfo("", **settings)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
