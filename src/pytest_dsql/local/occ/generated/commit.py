"""COMMIT: one deferred trigger for each table and transaction carries the overlay over to the table.

The overlay's rows stay behind, where nobody will look for them: to delete them here would be one more statement for
each transaction.

Transactions that only update rows of one table commit side by side: they take their rows in the order of the overlay's
index, so they cannot deadlock. All others commit one at a time. SET CONSTRAINTS must never reach the server: it would
fire this trigger in the middle of a transaction.
"""

# ruff: noqa: S608  # what it puts together is its own

from collections.abc import Iterator
from typing import Final

from pytest_dsql.local.occ import state
from pytest_dsql.local.occ.generated import ledger
from pytest_dsql.local.occ.template import OWN_PATH, GeneratedFunction, Template
from pytest_dsql.local.occ.words import (
    CHANGED,
    COMES,
    LEAVES,
    LOCK,
    MINE,
    SIZE_LIMIT,
    SIZE_LIMIT_SETTING,
    Op,
    any_of,
    op,
)

_BY_INDEX: Final = (
    " SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off"
)
_QUICK_MINE: Final = f"o.occ_xid {op('=')} pg_catalog.pg_current_xact_id_if_assigned()"
# Nothing where only the key and the server's own columns are: such a row has no update worth the name.
_NO_UPDATE: Final = "PERFORM FROM $overlay WHERE false"
_COSTS_NOTHING: Final = any_of(Op.SHARED, Op.LOCKED, Op.NOTHING)


def templates() -> Iterator[Template]:
    """Return the trigger and its functions, for each kind of table."""
    for updates in (True, False):
        # It runs in the session's search path: to set another would cost more than the rest of it.
        commit = _commit(_quick_update() if updates else _NO_UPDATE)
        yield GeneratedFunction(
            "commit", commit, {"updates": updates}, "$private.{name}_$oid() RETURNS trigger", settings=""
        )
        plain = _update(f"o.occ_op = '{Op.UPDATED}' AND b.xmax = 0") if updates else _NO_UPDATE
        yield GeneratedFunction("settle", _settle(plain), {"updates": updates})
        rest = _update(f"o.occ_op IN {CHANGED} AND b.xmin <> pg_current_xact_id()::xid") if updates else _NO_UPDATE
        for keyed in (True, False):
            apply = _apply(rest, keyed=keyed)
            yield GeneratedFunction("apply", apply, {"keyed": keyed, "updates": updates}, settings=OWN_PATH + _BY_INDEX)
    yield Template(
        "trigger_commit",
        """CREATE CONSTRAINT TRIGGER occ_commit AFTER INSERT ON $overlay
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.occ_head) EXECUTE FUNCTION $private.commit_$oid();
        ALTER TABLE $overlay ENABLE ALWAYS TRIGGER occ_commit""",
    )


def _quick_update() -> str:
    return f"""UPDATE $base b SET $set_overlay FROM $overlay o
                WHERE {_QUICK_MINE} AND $overlay_is_base AND b.xmax {op("=")} 0"""


def _update(which: str) -> str:
    return f"UPDATE $base b SET $set_overlay FROM $overlay o WHERE {MINE} AND $overlay_is_base AND {which}"


def _commit(update: str) -> str:
    """Return the trigger. So few rows as come the quick way are measured only where a lower limit was set."""
    limit = f"pg_catalog.current_setting('{SIZE_LIMIT_SETTING}')::pg_catalog.int8"
    return f"""
DECLARE
    occ_applied int;
BEGIN
    -- The lock is taken within the condition: one expression is cheaper than two.
    IF {state.IS_QUICK}
       AND {limit} {op(">=")} {SIZE_LIMIT}
       AND pg_catalog.pg_advisory_xact_lock_shared({LOCK}) IS NOT NULL THEN
        {update};
        GET DIAGNOSTICS occ_applied = ROW_COUNT;
        IF occ_applied {op("<>")} {state.QUICK_COUNT} THEN
            PERFORM $private.apply_$oid();
        END IF;
    ELSE
        PERFORM $private.settle_$oid();
    END IF;
    RETURN NULL;
END"""


def _settle(update: str) -> str:
    """Return what looks at the checks that were put off and at the limits, and updates what others leave alone."""
    return f"""
DECLARE
    occ_state text;
    occ_lock text;
    occ_rows int;
    occ_applied int;
    occ_left int;
    occ_bytes bigint;
    occ_weights int[];
BEGIN
    IF current_setting('occ.pending', true) = '1' THEN
        PERFORM occ.settle(true);
    END IF;{state.read()}
    occ_lock := CASE WHEN {state.IS_PLAIN} THEN pg_advisory_xact_lock_shared({LOCK})::text
                     ELSE pg_advisory_xact_lock({LOCK})::text END;
    IF {state.MAY_BE_LARGE} OR current_setting('{SIZE_LIMIT_SETTING}')::bigint < {SIZE_LIMIT} THEN
        occ_weights := occ.index_weights($oid);
        SELECT sum($row_size) INTO occ_bytes FROM $overlay o WHERE {MINE} AND o.occ_op NOT IN {_COSTS_NOTHING};
        PERFORM occ.check_size(coalesce(occ_bytes, 0));
    END IF;
    {update};
    GET DIAGNOSTICS occ_applied = ROW_COUNT;
    IF occ_applied <> occ_rows THEN
        SELECT count(*) INTO occ_left FROM $overlay o WHERE {MINE};
        IF occ_left <> occ_applied THEN
            PERFORM $private.apply_$oid();
        END IF;
    END IF;
END"""


def _apply(update: str, *, keyed: bool) -> str:
    """Return all but plain updates. Deletions go first and insertions last, so that keys can move between rows."""
    return f"""
BEGIN
    -- A row that a rival is committing right now is lost already; waiting for it could end in a deadlock.
    PERFORM occ.raise_conflict() FROM $overlay o JOIN $base b ON $overlay_is_base
      WHERE {MINE} AND o.occ_op IN {CHANGED} AND b.xmax <> 0 AND occ.is_committing(b.xmax);
    BEGIN{ledger.claim(keyed=keyed)}
        DELETE FROM $base b USING $overlay o
          WHERE {MINE} AND o.occ_op IN {LEAVES} AND $overlay_is_base;
        {update};
        INSERT INTO $base ($written) OVERRIDING SYSTEM VALUE
          SELECT $overlay_values FROM $overlay o WHERE {MINE} AND o.occ_op IN {COMES};{ledger.share(keyed=keyed)}
    EXCEPTION WHEN serialization_failure OR unique_violation OR foreign_key_violation THEN
        PERFORM occ.raise_conflict();
    END;{ledger.hold(keyed=keyed)}
END"""
