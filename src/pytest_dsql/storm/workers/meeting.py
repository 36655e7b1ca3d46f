"""Where a storm's workers arrive: a socket in a folder that goes with this process, even where that is killed."""

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from pytest_dsql.link.folder import owned
from pytest_dsql.storm.workers.act import Act
from pytest_dsql.storm.workers.rendezvous import START_LIMIT_S, Line, Listener, Message


class Meeting:
    """Attends to each worker that arrives, by the act that ``act_of`` returns for its first message.

    ``folder`` holds the socket, and may hold more: nobody else can enter it.
    """

    def __init__(self, act_of: Callable[[Message], Act]) -> None:
        self._act_of = act_of
        with ExitStack() as leaving:
            # A socket's path must be short, wherever reports go.
            self.folder = leaving.enter_context(owned("storm-"))
            self.where = str(self.folder / "meet")
            leaving.callback(Listener(self.folder / "meet", self._meet).close)
            self._leaving = leaving.pop_all()

    def _meet(self, line: Line) -> None:
        try:
            if message := line.hear(START_LIMIT_S):
                self._act_of(message).attend(message["arrived"], line)
        finally:
            line.close()

    def close(self) -> None:
        """Meet nobody more."""
        self._leaving.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()
