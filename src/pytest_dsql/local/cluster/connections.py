"""The cluster's own connections to its PostgreSQL, in autocommit mode."""

import logging
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

Row = dict[str, Any]
Connection = psycopg.AsyncConnection[Row]

# Where a server has ended, what it was asked can be cancelled there no more: it ended with it. psycopg warns of each.
logging.getLogger("psycopg").addFilter(lambda record: not record.msg.startswith("query cancellation"))


async def connect(url: str, role: str | None = None) -> Connection:
    """Connect as the superuser, or as ``role``."""
    url = make_conninfo(url, user=role) if role else url
    return await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row)


async def held(connection: Connection) -> None:
    """Wait as long as the server stands; raise OperationalError when it is gone."""
    async for _ in connection.notifies():
        pass
