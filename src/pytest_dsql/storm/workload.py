"""What a storm calls, what answers mean, what must hold: subclass ``Workload``, in a module that can be imported."""

import random
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from pytest_dsql.cluster import Cluster
from pytest_dsql.retry import SQLSTATE, chain, codes
from pytest_dsql.storm.own.history import Call, History
from pytest_dsql.storm.record.outcome import Outcome

__all__ = ["COMMITTED", "REFUSED", "UNKNOWN", "Call", "History", "Meaning", "Workload"]

COMMITTED: Final = Outcome.COMMITTED
REFUSED: Final = Outcome.REFUSED
UNKNOWN: Final = Outcome.UNKNOWN
_SESSION_LOST: Final = re.compile(r"08...|57P0.")
"""The SQLSTATEs of a connection that is gone: what it was doing may have been done."""
_NO_ANSWER: Final = {"OperationalError", "InterfaceError", "TransportError", "HTTPClientError"}
"""How database drivers, httpx and botocore call what has no SQLSTATE: the connection did not answer."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What came of a call, as far as its caller was told.

    ``code`` says by what it was refused, or why it is not known; ``retries`` how often it lost before.
    """

    outcome: Outcome
    code: str | None = None
    retries: int = 0


class Workload:
    """A storm's work. It is pickled after ``set_up``; each process has its copy, each thread a client of its own."""

    sums: Mapping[str, tuple[str, Any]] = {}
    """By name: SQL that has one value in every snapshot, and that value. A reader asks all the time."""
    rules: Mapping[str, str] = {}
    """By name: SQL that returns the rows that break a rule. It is asked at the end."""
    refusals: Collection[str] = frozenset({SQLSTATE})
    """What calls may be refused with: the codes of their meanings."""

    def set_up(self, cluster: Cluster) -> None:
        """Make the tables, and what is in them. Called once."""

    def open(self, cluster: Cluster) -> AbstractContextManager[Any]:
        """Return a client, for one thread: a connection, unless said otherwise. It is opened anew after no answer."""
        return cluster.connect()

    def during(self, cluster: Cluster) -> AbstractContextManager[Any]:  # noqa: ARG002 - for who overrides it
        """Return what is in force while calls are made: a fault, ``cluster.slow(0.015)`` for instance."""
        return nullcontext()

    def draw(self, chance: random.Random) -> Any:
        """Return a request, in what JSON can hold: of chance alone, so that a seed repeats it."""

    def call(self, client: Any, request: Any) -> Any:
        """Make a call, its retry included; return the answer, raise what it raises."""
        raise NotImplementedError

    def returned(self, request: Any, answer: Any) -> Meaning:  # noqa: ARG002 - for who overrides it
        """Return what an answer means: committed, after as many retries as a mapping's ``retries`` tells."""
        retries = int(answer.get("retries") or 0) if isinstance(answer, Mapping) else 0
        return Meaning(COMMITTED, retries=retries)

    def raised(self, request: Any, error: Exception) -> Meaning:  # noqa: ARG002 - for who overrides it
        """Return what an error means: unknown where a connection was lost, else refused.

        Its code is the SQLSTATE of what it came of, else its class.
        """
        states = [str(code) for each in chain(error) for code in codes(each) if code]
        outcome = UNKNOWN if any(map(_unanswered, chain(error))) else REFUSED
        code = SQLSTATE if SQLSTATE in states and outcome is REFUSED else next(iter(states), type(error).__name__)
        return Meaning(outcome, code, int(getattr(error, "retries", 0) or 0))

    def check(self, history: History) -> Iterable[str]:  # noqa: ARG002 - for who overrides it
        """Return what is wrong by requests, answers and times."""
        return ()


def _unanswered(error: BaseException) -> bool:
    """Whether an error by itself says that a connection was lost."""
    if state := next(filter(None, codes(error)), None):
        return _SESSION_LOST.fullmatch(str(state)) is not None
    if isinstance(error, OSError | EOFError):
        return True
    # What wraps another driver's error says no more than that one does.
    wraps = error.__cause__ is not None or isinstance(getattr(error, "orig", None), BaseException)
    return not wraps and any(kind.__name__ in _NO_ANSWER for kind in type(error).__mro__)
