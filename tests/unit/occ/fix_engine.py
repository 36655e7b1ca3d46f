"""A fresh database with the OCC engine in it."""

import os
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from infra.local.occ import install
from tests.unit.occ.sessions import APP, OWNER, Engine


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    server = os.environ.get("OCC_TEST_URL") or request.getfixturevalue("postgres_url")
    name = f"occ_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as admin:
        for role in (OWNER, APP):
            if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(role)))
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        made = Engine(psycopg.conninfo.make_conninfo(server, dbname=name))
        try:
            with psycopg.connect(made.url, autocommit=True) as conn:
                conn.execute(f"GRANT CREATE ON SCHEMA public TO {OWNER}")
                install(conn)
            yield made
        finally:
            for session in made.sessions:
                session.conn.close()
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
