"""What transactions leave behind of a key for rivals with an older snapshot, where the rows themselves tell nothing.

`keys` has the keys of late deletions: an insertion of such a key must learn of an insertion and deletion that it cannot
see. `shares` has the keys that committed transactions held FOR KEY SHARE, one row for each session.

PostgreSQL's own checks are what looks past a snapshot: a unique index for `keys`; for `shares` a foreign key that
nobody has to fulfil, as only its parent's side is enabled: to delete a row of `keys`, put there to that end with
`occ_probe` set, is refused as long as shares of the key are left. No crash needs these tables; they are logged all the
same, since unlogged ones take longer to create.
"""

# ruff: noqa: S608  # what it puts together is its own

from collections.abc import Iterator
from typing import Final

from pytest_dsql.local.occ.template import Template
from pytest_dsql.local.occ.words import LEAVES, MINE, Op

_SHARED: Final = f"{MINE} AND o.occ_op = '{Op.SHARED}'"
_LEAVING: Final = f"{MINE} AND o.occ_op IN {LEAVES}"


def templates() -> Iterator[Template]:
    """Return what makes the ledger of a table with a primary key; one without has none."""
    yield Template("ledger", "", {"keyed": False})
    yield Template(
        "ledger",
        """CREATE TABLE $keys AS SELECT $key, false AS occ_probe, now() AS occ_at FROM $overlay WITH NO DATA;
        CREATE UNIQUE INDEX ON $keys ($key, occ_probe);
        CREATE TABLE $shares AS
            SELECT $key, true AS occ_probe, 0 AS occ_pid, now() AS occ_at FROM $overlay WITH NO DATA;
        CREATE UNIQUE INDEX ON $shares ($key, occ_pid);
        ALTER TABLE $shares ADD FOREIGN KEY ($key, occ_probe)
            REFERENCES $keys ($key, occ_probe) ON DELETE RESTRICT NOT VALID""",
        {"keyed": True},
    )


def claim(*, keyed: bool) -> str:
    """Before rows go and come. A ledger without a page has never had a row: its size is no matter of snapshots.

    Of the shares that I see, those that occ.purge() has removed meanwhile must not be touched.
    """
    if not keyed:
        return f"""
        PERFORM occ.raise_conflict() FROM $overlay o JOIN $base b ON $overlay_is_base
          WHERE {_LEAVING} AND b.xmax <> 0 AND occ.is_rival(b.xmax);"""
    return f"""
        INSERT INTO $keys ($key, occ_probe, occ_at)
          SELECT $overlay_key, false, clock_timestamp() FROM $overlay o WHERE {MINE}
             AND (o.occ_op = '{Op.DELETED}' OR o.occ_op = '{Op.INSERTED}' AND (SELECT pg_relation_size('$keys') > 0))
          ON CONFLICT ($key, occ_probe) DO UPDATE SET occ_at = excluded.occ_at;
        IF pg_relation_size('$shares') > 0 THEN
            DELETE FROM $shares b USING $overlay o
              WHERE {_LEAVING} AND $overlay_is_base AND occ.is_left(b.xmax);
            INSERT INTO $keys ($key, occ_probe)
              SELECT $overlay_key, true FROM $overlay o WHERE {_LEAVING};
            DELETE FROM $keys b USING $overlay o
              WHERE {_LEAVING} AND $overlay_is_base AND b.occ_probe;
        END IF;"""


def share(*, keyed: bool) -> str:
    """Note the keys that I hold. A row with a fresh header is as I see it; another is locked to find out.

    The upsert in two steps leaves the new row a fresh header, which DO UPDATE would not.
    """
    if not keyed:
        return ""
    return f"""
        IF EXISTS (SELECT FROM $overlay o WHERE {_SHARED}) THEN
            {_lock_stale("            ")}
            UPDATE $shares b SET occ_at = clock_timestamp() FROM $overlay o
             WHERE {_SHARED} AND $overlay_is_base AND b.occ_pid = pg_backend_pid() AND occ.is_left(b.xmax);
            INSERT INTO $shares ($key, occ_probe, occ_pid, occ_at)
              SELECT $overlay_key, true, pg_backend_pid(), clock_timestamp() FROM $overlay o
               WHERE {_SHARED} ON CONFLICT DO NOTHING;
        END IF;"""


def hold(*, keyed: bool) -> str:
    """Without a ledger a key share must carry the transaction's own id, not a subtransaction's.

    Where its row has no fresh header it is tried first and taken after.
    """
    if keyed:
        return ""
    return f"""
    IF EXISTS (SELECT FROM $overlay o WHERE {_SHARED}) THEN
        BEGIN
            {_lock_stale("            ")}
            RAISE SQLSTATE 'OCCOK';
        EXCEPTION WHEN serialization_failure THEN
            PERFORM occ.raise_conflict();
        WHEN SQLSTATE 'OCCOK' THEN
            NULL;
        END;
        {_lock("        ")}
    END IF;"""


def _lock(indent: str, which: str = "") -> str:
    rows = "$overlay o JOIN $base b ON $overlay_is_base"
    return f"""PERFORM FROM $base b WHERE b.ctid = ANY (ARRAY(SELECT b.ctid FROM {rows}
{indent}  WHERE {_SHARED}{which})) FOR KEY SHARE;"""


def _lock_stale(indent: str) -> str:
    return _lock(indent, " AND b.xmax <> 0")
