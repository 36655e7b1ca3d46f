"""EXPLAIN as Aurora DSQL prints it: PostgreSQL's plan of the committed tables, put into the service's words."""

from pytest_dsql.local.explain.answer import column_type, shown
from pytest_dsql.local.explain.statistics import measure

__all__ = ["column_type", "measure", "shown"]
