"""Overlay, merged view and cast of a table.

The four leading columns of an overlay are the engine's (they lead in "Failing row contains" too): whose the row is,
what becomes of it at COMMIT, whether it is the first of its transaction, which has the commit trigger fire, and the
committed row, in a table without a primary key.

The transaction's id leads, so what others have left behind is never looked at; occ.sweep() takes it away. A transaction
that has not written has no id, and NULL ends a scan before it begins.

The planner is to use an overlay's index always, from the first statement on, whatever is in there. Pages, which vacuum
must not give back, have it look too large to be scanned from end to end; and statistics say that a transaction has one
row. Where a column takes no NULL it goes without.
"""

# ruff: noqa: S608  # what it puts together is its own

from collections.abc import Iterator
from typing import Final

from pytest_dsql.local.occ.template import Template
from pytest_dsql.local.occ.words import AS_COMMITTED_SETTING, GONE

_MINE: Final = "pg_catalog.pg_current_xact_id_if_assigned()"
_AS_COMMITTED: Final = f"COALESCE(occ.when_planned('{AS_COMMITTED_SETTING}', true), '') = 'on'"


def templates() -> Iterator[Template]:
    """Return what makes them, in commands."""
    yield Template("overlay", _OVERLAY)
    yield Template(
        "prepared_overlay",
        """ALTER TABLE $overlay SET (fillfactor = 70), ALTER occ_xid SET NOT NULL, ALTER occ_op SET NOT NULL,
        ALTER occ_head SET NOT NULL$set_not_null""",
    )
    yield Template("overlay_index", "CREATE UNIQUE INDEX ON $overlay (occ_xid, $key)", {"keyed": True})
    yield Template("overlay_index", "CREATE INDEX ON $overlay (occ_xid, occ_ref)", {"keyed": False})
    yield Template("bare_view", "CREATE OR REPLACE VIEW $view AS SELECT $base_outputs FROM $base b")
    yield Template("merged_view", _MERGED_VIEW)
    # A row of a view is one of its table, for functions of users that take such rows.
    yield Template(
        "row_function",
        'CREATE OR REPLACE FUNCTION occ."$oid row"(r $view) RETURNS $base LANGUAGE sql IMMUTABLE AS $row_body;'
        ' GRANT EXECUTE ON FUNCTION occ."$oid row" TO PUBLIC',
    )
    yield Template("row_cast", 'CREATE CAST ($view AS $base) WITH FUNCTION occ."$oid row"($view) AS IMPLICIT')


_OVERLAY: Final = """CREATE UNLOGGED TABLE $overlay
        (occ_xid xid8, occ_op "char", occ_head boolean, occ_ref tid$definition)
        WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0,
              autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 2000000000,
              autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false)"""

# Constants tell the two parts apart and the condition stands above them, so that the planner can dissolve the view in
# a query: each part gets what is left of the condition for it, and can be looked up by values of other tables.
# $overlay_from_merged follows from $overlay_is_merged; with it the planner looks up each row instead of hashing what
# the transaction has written, which would take longer than all the rest for the few rows that most statements read.
# A plan that is made to be shown is the table's own: the setting is looked at when a plan is made, and what is left of
# the view then is the table alone.
_MERGED_VIEW: Final = f"""CREATE OR REPLACE VIEW $view AS SELECT $merged_outputs FROM (
            SELECT false AS occ_mine, NULL::pg_catalog.xid8 AS occ_xid, NULL::"char" AS occ_op$base_ref,
                   $base_columns FROM $base
             UNION ALL
            SELECT true, o.occ_xid, o.occ_op$overlay_ref, $overlay_columns FROM $overlay o) u
          WHERE NOT u.occ_mine AND ({_AS_COMMITTED} OR {_MINE} IS NULL OR NOT EXISTS (
                    SELECT FROM $overlay o WHERE o.occ_xid = {_MINE} AND $overlay_is_merged AND $overlay_from_merged))
             OR u.occ_mine AND NOT {_AS_COMMITTED} AND u.occ_xid = {_MINE} AND u.occ_op NOT IN {GONE}"""
