"""What lost to another transaction, whatever client says so, and making it again."""

import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

SQLSTATE: Final = "40001"
ATTEMPTS: Final = 12
PAUSE_S: Final = 0.3
"""Schema changes collide all over a cluster (OC001); AWS's own lint suite retries as often, 300 ms longer each time."""

Value = TypeVar("Value")


def lost(error: BaseException) -> bool:
    """Return whether an error says 40001, or came of one that does: psycopg, psycopg2, asyncpg, SQLAlchemy, Django."""
    return any(SQLSTATE in codes(each) for each in chain(error))


def codes(error: BaseException) -> tuple[object, ...]:
    """Return an error's own SQLSTATE, by either name that drivers give it; None where it has none."""
    return getattr(error, "sqlstate", None), getattr(error, "pgcode", None)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it came of."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            causes = (each.__cause__, each.__context__, getattr(each, "orig", None))
            waiting += [cause for cause in causes if isinstance(cause, BaseException)]


def retried(step: Callable[[], Value], attempts: int = ATTEMPTS) -> Value:
    """Return what a step does, made again where it lost to another transaction; it raises what it raises last."""
    for attempt in range(1, attempts):
        try:
            return step()
        except Exception as error:
            if not lost(error):
                raise
            # The first loss is most often a schema change that this session had not heard of yet.
            time.sleep(PAUSE_S * (attempt - 1))
    return step()
