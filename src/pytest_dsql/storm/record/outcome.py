"""What became of a call: the three things that its caller can be told."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of a transaction, as far as its caller was told."""

    COMMITTED = "committed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
