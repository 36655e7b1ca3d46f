"""Callables in turns: each in a thread of its own, one of them at work, the others held at the wire.

Whoever was let through is waited for until his next statement is at the wire, or his thread has ended. So nothing that
signs in or sends needs a name: it is of the one at work, whatever client, pool or number of connections it uses.
"""

import asyncio
import contextlib
import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_dsql.link.handle import ControlError, Handle
from pytest_dsql.orders.explorer import LETTERS, Choice, Choose, name

if TYPE_CHECKING:
    from pytest_dsql.cluster import Cluster

Work = Callable[["Cluster"], Any]
Proceed = Callable[[int | None], dict[str, Any]]


class OutOfOrder(Exception):
    """An order could not be brought to its end; the text says who is to blame."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement: whose, what, and what it was answered (``link.messages.Proceed`` has the fields of both)."""

    who: int
    question: dict[str, Any]
    answer: dict[str, Any]


@dataclass(slots=True)
class Order:
    """An order that was played: what was sent, what each callable returned, or the error that it gave up with."""

    choices: list[Choice] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    returned: dict[int, Any] = field(default_factory=dict)
    gave_up: dict[int, BaseException] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A letter for each statement."""
        return name(self.choices)


class Seat:
    """One callable, run once in a thread, with a cluster of its own: the same one, to be closed apart.

    One that is ``forsaken`` is not waited for any more.
    """

    def __init__(self, number: int, work: Work, cluster: "Cluster") -> None:
        self.number, self._work, self.cluster = number, work, replace(cluster)
        self.returned: Any = None
        self.error: BaseException | None = None
        self.forsaken = False
        self._thread = threading.Thread(target=self._run, name=f"dsql-order-{LETTERS[number]}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, limit_s: float) -> None:
        """Close its connections when it has ended: libpq's may not be closed while another thread uses them."""
        if self._thread.ident is not None:
            self._thread.join(limit_s)
        if not self._thread.is_alive():
            self.cluster.close()

    def _run(self) -> None:
        try:
            result = self._work(self.cluster)
            self.returned = asyncio.run(result) if inspect.iscoroutine(result) else result
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is for the thread that waits
            self.error = error
        if not self.forsaken:
            with contextlib.suppress(OSError, ControlError):
                self.cluster.handle.no_more()


class Turns:
    """Plays orders of ``callables``, of ``most`` statements at most; no wait may last longer than ``limit_s``."""

    def __init__(self, cluster: "Cluster", callables: Sequence[Work], limit_s: float, most: int) -> None:
        self._cluster, self._callables, self._limit_s, self._most = cluster, callables, limit_s, most
        self._handle: Handle = cluster.handle

    def play(self, choose: Choose, who: Sequence[int] | None = None) -> Order:
        """Run callables, all unless ``who`` says otherwise, and have ``choose`` say whose statement is next.

        Raises OutOfOrder where somebody keeps the others waiting, or there is no end of statements.
        """
        numbers = range(len(self._callables)) if who is None else sorted(who)
        seats = {number: Seat(number, self._callables[number], self._cluster) for number in numbers}
        with self._held(list(seats.values())) as proceed:
            order = self._played(seats, choose, proceed)
        for seat in seats.values():
            if seat.error is None:
                order.returned[seat.number] = seat.returned
            elif isinstance(seat.error, Exception):
                order.gave_up[seat.number] = seat.error
            else:
                raise seat.error
        return order

    @contextlib.contextmanager
    def _held(self, seats: list[Seat]) -> Iterator[Proceed]:
        """Hold statements; where an order breaks off, all sessions end, so that nobody goes on with it."""
        try:
            with self._handle.statements_held(self._limit_s) as proceed:
                try:
                    yield proceed
                except BaseException:
                    self._break_off(seats)
                    raise
        finally:
            for seat in seats:
                seat.close(self._limit_s)

    def _break_off(self, seats: list[Seat]) -> None:
        for seat in seats:
            seat.forsaken = True
        for session in self._handle.sessions():
            with contextlib.suppress(ControlError):
                self._handle.expire(session)

    def _played(self, seats: dict[int, Seat], choose: Choose, proceed: Proceed) -> Order:
        order, waiting = Order(), dict[int, dict[str, Any]]()
        for number, seat in seats.items():
            seat.start()
            if held := self._next(order, number, proceed(None)):
                waiting[number] = held
        while waiting:
            if len(order.sent) == self._most:
                raise OutOfOrder(f"an order has {self._most} statements and no end: does a retry end? {order.name}")
            among = tuple(waiting)
            who = choose(among)
            question = waiting.pop(who)
            order.choices.append(Choice(who, among))
            try:
                told = proceed(question["number"])
            except ControlError as error:
                raise OutOfOrder(f"{error} ({order.name})") from None
            order.sent.append(Sent(who, question, told["answer"]))
            if held := self._next(order, who, told):
                waiting[who] = held
                waiting = dict(sorted(waiting.items()))
        return order

    def _next(self, order: Order, who: int, told: dict[str, Any]) -> dict[str, Any] | None:
        """Return the statement that somebody is held with, None where he has ended; raise OutOfOrder where neither."""
        if told["late"]:
            raise OutOfOrder(f"{LETTERS[who]}, {title(self._callables[who])}, {self._silence(order, told['answer'])}")
        found: dict[str, Any] | None = told["next"]
        return found

    def _silence(self, order: Order, answer: dict[str, Any] | None) -> str:
        """Say what somebody has not done in time."""
        if answer is None:
            return f"has neither sent a statement nor ended within {self._limit_s:g} s of its begin"
        if answer["tag"] or answer["error"] or answer["gone"]:
            return f"has neither sent another statement nor ended within {self._limit_s:g} s ({order.name})"
        return f"has had no answer to {order.sent[-1].question['text']!r} within {self._limit_s:g} s ({order.name})"


def title(work: Work) -> str:
    """Return what a callable is called."""
    work = getattr(work, "func", work)  # functools.partial's
    return str(getattr(work, "__name__", type(work).__name__))
