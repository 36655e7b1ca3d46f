"""A fresh database with the OCC engine in it."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from pytest_dsql.local.occ import install
from tests.fix_postgres import new_database
from tests.unit.occ.sessions import APP, OWNER, Engine


@pytest.fixture(scope="session")
def engine_roles(postgres_url: str) -> Iterator[None]:
    """The owner of the tables and the application's role: this worker's own, dropped at the end."""
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        for role in (OWNER, APP):
            create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            admin.execute(create.format(sql.Identifier(role), sql.Literal(role)))
        yield
        admin.execute(sql.SQL("DROP ROLE {}, {}").format(sql.Identifier(OWNER), sql.Identifier(APP)))


@pytest.fixture
def engine(postgres_url: str, engine_roles: None) -> Iterator[Engine]:
    with new_database(postgres_url) as url:
        made = Engine(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"GRANT CREATE ON SCHEMA public TO {OWNER}")
            install(connection)
        yield made
        for session in made.sessions:
            session.conn.close()
