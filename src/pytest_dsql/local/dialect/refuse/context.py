"""What a rule may look at beside the statement's own tree."""

from dataclasses import dataclass

from pytest_dsql.local.dialect.catalog import Catalog, Table
from pytest_dsql.local.dialect.parse.text import Source


@dataclass(frozen=True, slots=True)
class RuleContext:
    """The text, the catalog and the names' search path; `asynchronous` where ASYNC was written.

    `inside` says that the text is part of a routine's body.
    """

    source: Source
    catalog: Catalog
    search_path: tuple[str, ...]
    start: int
    end: int
    asynchronous: bool = False
    inside: bool = False

    def table(self, schema: str | None, name: str) -> Table | None:
        """The user table that a statement names."""
        return self.catalog.find(schema, name, self.search_path)
