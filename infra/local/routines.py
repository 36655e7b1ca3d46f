"""Users' routines as a cluster has them."""

import contextlib
from typing import Any, Final

import psycopg

from infra.local.dialect import Catalog, Routine, renewed

_ROUTINES: Final = """
SELECT p.oid::bigint, p.proname, p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE occ.is_user_schema(n.nspname)
"""
_RENEW: Final = "UPDATE pg_proc SET prosrc = %s WHERE oid = %s AND prosrc = %s"


async def read_routines(connection: psycopg.AsyncConnection[dict[str, Any]], catalog: Catalog) -> dict[str, Routine]:
    """Read them by name, and point their bodies at what the names in them mean by now."""
    routines: dict[str, Routine] = {}
    cursor = await connection.execute(_ROUTINES)
    for row in await cursor.fetchall():
        text, routine = renewed(row["prosrc"], catalog)
        routines[row["proname"]] = routines.get(row["proname"], Routine()) | routine
        if text != row["prosrc"]:
            # Who replaces the routine meanwhile brings a text that is of today.
            with contextlib.suppress(psycopg.errors.SerializationFailure, psycopg.errors.InternalError_):
                await connection.execute(_RENEW, (text, row["oid"], row["prosrc"]))
    return routines
