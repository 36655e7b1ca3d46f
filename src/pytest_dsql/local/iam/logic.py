"""Three-valued logic: None is what cannot be known, such as a condition with an operator that does not exist."""

from collections.abc import Iterable

Truth = bool | None


def negation(value: Truth) -> Truth:
    """Not: what is not known stays so."""
    return None if value is None else not value


def every(values: Iterable[Truth]) -> Truth:
    """And: one False decides, whatever else is not known."""
    result: Truth = True
    for value in values:
        if value is False:
            return False
        if value is None:
            result = None
    return result


def some(values: Iterable[Truth]) -> Truth:
    """Or: one True decides, whatever else is not known."""
    return negation(every(negation(value) for value in values))
