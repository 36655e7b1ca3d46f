"""Sessions that write SQL as the proxy would splice it."""

import re
import uuid
from typing import Any

import psycopg
import pytest

# Roles are the whole server's, so each worker of a run has its own.
OWNER, APP = (f"occ_{kind}_{uuid.uuid4().hex[:8]}" for kind in ("owner", "app"))
CONFLICT = "change conflicts with another transaction (OC000)"


class Session:
    """One connection. ``{name}`` in a statement stands for the merged view of table `name`."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn = conn

    def __call__(self, statement: str, *args: object) -> list[Any]:
        """Run a statement and return its rows; a single column comes as bare values."""
        cursor = self.conn.execute(self.shadowed(statement), args or None)
        self.tag = cursor.statusmessage
        if cursor.description is None:
            return []
        return [row[0] if len(row) == 1 else row for row in cursor.fetchall()]

    def shadowed(self, statement: str) -> str:
        """Put the views in place of `{name}`."""
        return re.sub(r"\{(\w+)\}", self._shadow, statement)

    def _shadow(self, found: re.Match[str]) -> str:
        table = found[1]
        row = self.conn.execute("SELECT relnamespace FROM pg_class WHERE oid = %s::regclass", [table]).fetchone()
        assert row is not None
        return f'pg_occ_{row[0]}."{table}"'

    def view(self, table: str) -> str:
        """Name the merged view of `table`."""
        return self.shadowed(f"{{{table}}}")

    def mark(self, kind: str, table: str, where: str) -> None:
        """Run what ``SELECT ... FOR UPDATE`` or ``FOR KEY SHARE`` becomes."""
        view = self.view(table)
        self(f"SELECT {view.split('.')[0]}.{kind}(t) FROM {view} t WHERE {where}")

    def fails(self, statement: str, *args: object) -> psycopg.Error:
        """Run a statement that must fail and return its error."""
        with pytest.raises(psycopg.Error) as caught:
            self(statement, *args)
        return caught.value

    def commit_conflicts(self) -> bool:
        """COMMIT; tell whether it was refused as a conflict. Any other refusal is raised."""
        try:
            self("COMMIT")
        except psycopg.errors.SerializationFailure as error:
            if error.diag.message_primary == CONFLICT:
                return True
            raise
        assert self.tag == "COMMIT"
        return False


class Engine:
    """The database; `connect` opens sessions that end with the test."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sessions: list[Session] = []

    def connect(self, role: str = APP, **settings: str) -> Session:
        """Open a session of `role` in which nothing may wait for more than two seconds."""
        options = " ".join(f"-c {k}={v}" for k, v in {"statement_timeout": "2s", **settings}.items())
        conn = psycopg.connect(self.url, user=role, password=role, autocommit=True, options=options)
        self.sessions.append(Session(conn))
        return self.sessions[-1]

    def superuser(self) -> psycopg.Connection[Any]:
        """Open a connection of the server's superuser, to be closed by its user."""
        return psycopg.connect(self.url, autocommit=True)

    def tables(self, *statements: str) -> None:
        """Run DDL and seed statements as the owner and let the application role use what is there."""
        owner = self.connect(OWNER)
        for statement in statements:
            owner(statement)
        owner(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {APP}")
