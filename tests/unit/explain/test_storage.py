"""A scan of a user's table is a scan of a B-tree in storage; every other node stays what it is."""

from typing import Any

import pytest

from pytest_dsql.local.explain import text
from pytest_dsql.local.explain.details import terse
from pytest_dsql.local.explain.storage import in_storage
from tests.unit.explain.plans import CATALOG, RUN, scan

COSTS = "  (cost=0.00..1.08 rows=6 width=36"


def shown(plan: dict[str, Any]) -> list[str]:
    """The lines of a plan without VERBOSE, without its estimates."""
    lines = text.lines({"Plan": terse(in_storage(plan, CATALOG))})
    return [line.replace(f"{COSTS} loops=1)", "").replace(f"{COSTS})", "") for line in lines]


def test_a_table_is_scanned_in_full() -> None:
    assert shown(scan(Filter="(transfers.payer_id = 1)")) == [
        "Full Scan (btree-table) on transfers",
        "  -> Storage Scan on transfers",
        "      Projections: id, amount",
        "      Filters: (payer_id = 1)",
        "      -> B-Tree Scan on transfers",
    ]


def test_the_primary_key_is_the_table() -> None:
    plan = scan("Index Scan", Index_Name="transfers_pkey", Index_Cond="(transfers.id = $1)")
    assert shown(plan) == [
        "Index Only Scan using transfers_pkey on transfers",
        "  Index Cond: (id = $1)",
        "  -> Storage Scan on transfers_pkey",
        "      Projections: id, amount",
        "      -> B-Tree Scan on transfers_pkey",
        "          Index Cond: (id = $1)",
    ]


def test_another_index_is_followed_by_a_lookup() -> None:
    plan = scan("Index Scan", Index_Name="by_payer", Scan_Direction="Backward", Index_Cond="(transfers.payer_id = 1)")
    assert shown(plan) == [
        "Index Scan Backward using by_payer on transfers",
        "  Index Cond: (payer_id = 1)",
        "  -> Storage Scan on by_payer",
        "      -> B-Tree Scan on by_payer",
        "          Index Cond: (payer_id = 1)",
        "  -> Storage Lookup on transfers",
        "      Projections: id, amount",
        "      -> B-Tree Lookup on transfers",
    ]


def test_an_index_with_all_columns_is_not() -> None:
    assert "Lookup" not in "".join(shown(scan("Index Only Scan", Index_Name="covering", Heap_Fetches=0)))


def test_what_storage_does_not_evaluate_stays_above_it() -> None:
    condition = "((transfers.amount > '5'::numeric) AND (transfers.payer_id = 1))"
    assert shown(scan(Filter=condition))[:4] == [
        "Full Scan (btree-table) on transfers",
        "  Filter: (amount > '5'::numeric)",
        "  -> Storage Scan on transfers",
        "      Projections: id, amount",
    ]


@pytest.mark.parametrize(
    ("condition", "storage", "filtered"), [("(transfers.payer_id = 1)", 2, 4), ("(transfers.amount > 1)", 6, None)]
)
def test_rows_are_counted_where_they_go(condition: str, storage: int, filtered: int | None) -> None:
    run = {**scan(Filter=condition), **RUN, "Actual Rows": 2, "Rows Removed by Filter": 4}
    (part,) = in_storage(run, CATALOG)["Plans"]
    (tree,) = part["Plans"]
    assert (part["Actual Rows"], part.get("Rows Filtered"), tree["Actual Rows"]) == (storage, filtered, 6)


def test_a_whole_row_that_is_passed_on_is_what_is_used_of_it() -> None:
    whole = ["transfers.id", "transfers.payer_id", "transfers.amount", "transfers.ok"]
    plan = {"Node Type": "Aggregate", "Output": ["sum(transfers.amount)"], "Plans": [scan(Output=whole)]}
    (full,) = in_storage(plan, CATALOG)["Plans"]
    assert full["Plans"][0]["Projections"] == ["amount"]


def test_a_catalog_is_scanned_as_postgres_does() -> None:
    plan = {**scan(), "Relation Name": "pg_class", "Schema": "pg_catalog"}
    assert in_storage(plan, CATALOG) == plan
