"""The database of a cluster as it is at first: kept, and copied ahead, so that a cluster is emptied in no time."""

import time
from typing import Final, LiteralString

import psycopg
from psycopg import conninfo, sql

DATABASE: Final = "postgres"
_KEPT, _SPARE, _USED = "occ_template", "occ_spare", "occ_used"
_ELSEWHERE: Final = "template1"
LEAVE_LIMIT_S: Final = 10.0
"""How long backends may take to end that were told to."""
_PAUSE_S: Final = 0.001
_CREATE: Final = "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy"
_RENAME: Final = "ALTER DATABASE {} RENAME TO {}"
_SETTINGS: Final = """SELECT split_part(one, '=', 1), substr(one, strpos(one, '=') + 1)
                        FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(setconfig) one
                       WHERE d.datname = %s AND s.setrole = 0"""
_ROLES: Final = "SELECT rolname FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%'"
_OTHERS: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"

Connection = psycopg.Connection[tuple[object, ...]]


class TemplateDatabase:
    """The kept database of the server at ``url``, with a copy that waits to be used, and the server's roles.

    ``prepare`` makes the copy; it may run beside the cluster. ``restore`` has the copy take the database's place.
    """

    def __init__(self, url: str) -> None:
        """Keep the database as it is; nobody may be connected to it."""
        self._url = conninfo.make_conninfo(url, dbname=_ELSEWHERE)
        with self._connected() as connection:
            self._settings = connection.execute(_SETTINGS, (DATABASE,)).fetchall()
            self._roles = _roles(connection)
            _run(connection, _CREATE, _KEPT, DATABASE)

    def prepare(self) -> None:
        """Make the copy, and let go of what the last one has replaced."""
        with self._connected() as connection:
            for left in (_USED, _SPARE):  # a copy that is there was begun before the server ended
                _run(connection, "DROP DATABASE IF EXISTS {}", left)
            _run(connection, _CREATE, _SPARE, _KEPT)
            for name, value in self._settings:
                statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
                words = sql.Identifier(_SPARE), sql.Identifier(*str(name).split(".")), sql.Literal(value)
                connection.execute(statement.format(*words))

    def restore(self) -> None:
        """Let the database be as it was; whoever is connected is thrown out. Raises TimeoutError."""
        with self._connected() as connection:
            # A pool that finds its connections cut makes new ones at once.
            _run(connection, "ALTER DATABASE {} ALLOW_CONNECTIONS false", DATABASE)
            _throw_out(connection)
            _run(connection, _RENAME, DATABASE, _USED)
            _run(connection, _RENAME, _SPARE, DATABASE)
            for role in self._roles:
                _run(connection, "ALTER ROLE {} RESET ALL", role)
            if others := _roles(connection) - self._roles:
                _run(connection, "DROP DATABASE {}", _USED)
                for role in others:
                    _run(connection, "DROP ROLE {}", role)

    def _connected(self) -> Connection:
        return psycopg.connect(self._url, autocommit=True)


def _throw_out(connection: Connection) -> None:
    until = time.monotonic() + LEAVE_LIMIT_S
    while connection.execute(_OTHERS, (DATABASE,)).fetchall():
        if time.monotonic() > until:
            raise TimeoutError(f"the cluster's sessions have not ended within {LEAVE_LIMIT_S:g} s")
        time.sleep(_PAUSE_S)


def _roles(connection: Connection) -> set[str]:
    return {str(name) for (name,) in connection.execute(_ROLES)}


def _run(connection: Connection, statement: LiteralString, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
