"""What one declared fact is."""

from typing import NamedTuple

from pytest_dsql.local.dialect.statement import Refusal

FEATURE_NOT_SUPPORTED = "0A000"


class Fact(NamedTuple):
    """A refusal's SQLSTATE, its message (a format string), where it is known from, and since when."""

    sqlstate: str
    message: str
    source: str
    date: str = "2026-09"

    def refusal(self, *args: object, position: int | None = None) -> Refusal:
        """The refusal with its blanks filled; `position` counts from 0 here."""
        at = None if position is None or position < 0 else position + 1
        return Refusal(self.sqlstate, self.message.format(*args), position=at)


def unsupported(message: str, source: str, date: str = "2026-09") -> Fact:
    """A fact with the usual SQLSTATE."""
    return Fact(FEATURE_NOT_SUPPORTED, message, source, date)
