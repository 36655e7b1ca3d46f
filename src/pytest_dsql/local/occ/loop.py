"""Parts of a table's functions that come once for each of its columns, indexes or foreign keys."""

# ruff: noqa: S608  # what it puts together is its own

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_dsql.local.occ.template import Facts, Template

Verb = Literal["insert", "update", "delete"]


@dataclass(frozen=True)
class Loop:
    """A blank of a table that one template fills in for each row of `source`."""

    name: str
    source: str
    order: str
    blanks: Mapping[str, str]
    """What SQL says of a row: of blanks, and of facts that tell which of `texts` is its."""
    texts: tuple[tuple[Facts, str], ...]
    separator: str = ""

    @property
    def templates(self) -> Iterator[Template]:
        """The templates, of which the facts of a row tell one."""
        for when, text in self.texts:
            yield Template(self.name, text, when)

    @property
    def sql(self) -> str:
        """What fills the blank, where `slots` has the other blanks of the table."""
        listed = ", ".join(f'{sql} AS "{name}"' for name, sql in self.blanks.items())
        part = f"occ.part('{self.name}', slots || to_jsonb(l))"
        return f"""(SELECT coalesce(string_agg({part}, '{self.separator}' ORDER BY l.number), '')
          FROM (SELECT row_number() OVER (ORDER BY {self.order}) AS number, {listed} FROM {self.source}) l)"""


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def listed(columns: str, pattern: str, separator: str = ", ", rel: str = "rel") -> str:
    """Return SQL for a list of columns: in the pattern %1$s is the name, %2$s the position and %3$s the type."""
    return f"occ.listed({rel}, {columns}, {literal(pattern)}, {literal(separator)})"


def differs(left: str, right: str) -> str:
    """Return the test whether two values are told from each other."""
    return f"{left} IS DISTINCT FROM {right}"
