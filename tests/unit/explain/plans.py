"""Plans as PostgreSQL gives them, all names told, and the catalog that they are of."""

from decimal import Decimal
from typing import Any

from pytest_dsql.local.dialect import Catalog, Column, Table, UniqueIndex

COLUMNS = (
    Column("id", "uuid", number=1),
    Column("payer_id", "integer", number=2),
    Column("amount", "numeric(18,6)", number=3),
    Column("ok", "boolean", number=4),
)
TABLE = Table("public", "transfers", "pg_occ_2200", COLUMNS, (UniqueIndex("transfers_pkey", ("id",), primary=True),))
CATALOG = Catalog({("public", "transfers"): TABLE}, shadows={"public": "pg_occ_2200"})
ESTIMATES = {"Startup Cost": Decimal("0.00"), "Total Cost": Decimal("1.08"), "Plan Rows": 6, "Plan Width": 36}
RUN = {"Actual Startup Time": Decimal("0.010"), "Actual Total Time": Decimal("0.020"), "Actual Loops": 1}


def scan(kind: str = "Seq Scan", **more: Any) -> dict[str, Any]:
    """A scan of the table that gives two of its columns; ``more`` has properties by their names with _ for a space."""
    output = {"Output": ["transfers.id", "transfers.amount"]}
    relation = {"Relation Name": "transfers", "Schema": "public", "Alias": "transfers"}
    named = {key.replace("_", " "): value for key, value in more.items()}
    return {"Node Type": kind, **relation, **ESTIMATES, **output, **named}
