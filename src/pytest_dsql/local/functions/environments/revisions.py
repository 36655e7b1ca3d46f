"""Which revision of each function is the current one, as far as invocations have shown it."""

from pytest_dsql.local.functions.invoke.account import Function, Key


class Revisions:
    """The last revision seen of each function's version."""

    def __init__(self) -> None:
        self._current: dict[tuple[str, str], Key] = {}

    def note(self, function: Function) -> Key | None:
        """Take a function for current; return the key that it replaces."""
        key = function.key
        before = self._current.get(key[:2])
        if before == key:
            return None
        self._current[key[:2]] = key
        return before

    def is_current(self, key: Key) -> bool:
        """Whether nothing newer was seen."""
        return self._current.get(key[:2]) == key

    def forget(self, arn: str) -> list[Key]:
        """Take a function for deleted; return the keys of its versions."""
        gone = [key for key in self._current.values() if key[0] == arn]
        for key in gone:
            del self._current[key[:2]]
        return gone
