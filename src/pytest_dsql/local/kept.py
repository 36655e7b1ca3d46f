"""What is found out once for a catalog: it goes whenever the catalog changes."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

MOST: Final = 4_096
"""How many values are kept; all go when there are more."""


class Kept(Generic[Key, Value]):
    """Values by what they were found out of."""

    def __init__(self) -> None:
        self._values: dict[Key, Value] = {}

    def get(self, key: Key, find: Callable[[], Value], *, keep: bool = True) -> Value:
        """Return the value of ``key``: a look-up where it is kept, else what ``find`` returns."""
        found = self._values.get(key)
        if found is None:
            found = find()
            if len(self._values) >= MOST:
                self._values.clear()
            if keep:
                self._values[key] = found
        return found

    def clear(self) -> None:
        """Forget all."""
        self._values.clear()
