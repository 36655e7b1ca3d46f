"""All that is generated for a table, as templates."""

from collections.abc import Iterator
from typing import Final

from pytest_dsql.local.occ.generated import commit, foreign_keys, ledger, marks, tables, unique, values, writes
from pytest_dsql.local.occ.loop import Loop
from pytest_dsql.local.occ.template import Template

LOOPS: Final[list[Loop]] = [*values.loops(), *unique.loops(), *foreign_keys.loops()]


def templates() -> Iterator[Template]:
    """Return those that know all blanks of a table; a loop's own know its blanks besides."""
    for module in (tables, ledger, writes, marks, foreign_keys, commit):
        yield from module.templates()
