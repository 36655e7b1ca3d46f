"""Users' routines as a cluster has them."""

import contextlib
from typing import Any, Final

import psycopg

from pytest_dsql.local.dialect import Catalog, Routine, renewed

_ROUTINES: Final = """
SELECT p.oid::bigint, p.proname, p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE occ.is_user_schema(n.nspname)
"""
_RENEW: Final = "UPDATE pg_proc SET prosrc = %s WHERE oid = %s AND prosrc = %s"

Connection = psycopg.AsyncConnection[dict[str, Any]]


class Routines:
    """The reader of them. A body is read once for each meaning of the names in it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, tuple[object, str, Routine]] = {}

    async def read(self, catalog: Catalog) -> dict[str, Routine]:
        """Read them by name, and point their bodies at what the names in them mean by now."""
        routines: dict[str, Routine] = {}
        known: dict[str, tuple[object, str, Routine]] = {}
        cursor = await self._connection.execute(_ROUTINES)
        for row in await cursor.fetchall():
            meaning, text, routine = known[row["prosrc"]] = self._renewed(row["prosrc"], catalog)
            known[text] = meaning, text, routine
            routines[row["proname"]] = routines.get(row["proname"], Routine()).and_(routine)
            if text != row["prosrc"]:
                # Who replaces the routine meanwhile brings a text that is of today.
                with contextlib.suppress(psycopg.errors.SerializationFailure, psycopg.errors.InternalError_):
                    await self._connection.execute(_RENEW, (text, row["oid"], row["prosrc"]))
        self._known = known
        return routines

    def _renewed(self, source: str, catalog: Catalog) -> tuple[object, str, Routine]:
        found = self._known.get(source)
        if found and found[0] == _meaning(found[2], catalog):
            return found
        text, routine = renewed(source, catalog)
        return _meaning(routine, catalog), text, routine


def _meaning(routine: Routine, catalog: Catalog) -> object:
    """Return what the names in a body mean."""
    relations = {name: (catalog.named(name), catalog.awaited(name)) for name in routine.names}
    return relations, {name: catalog.routines.get(name) for name in routine.called}
