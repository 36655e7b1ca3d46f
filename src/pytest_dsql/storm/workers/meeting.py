"""Where a storm's workers arrive: a socket in a folder that goes with this process, even where that is killed."""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from pytest_dsql.link.folder import owned
from pytest_dsql.storm.workers.act import Act
from pytest_dsql.storm.workers.clocks import now
from pytest_dsql.storm.workers.door import Door, guarded, opened
from pytest_dsql.storm.workers.rendezvous import START_LIMIT_S, ConnectionEnd, MeetingPoint, Message, unix


class Meeting:
    """Attends to each worker that arrives, by the act that ``act_of`` returns for its first message.

    ``folder`` holds the socket, and may hold more: nobody else can enter it. ``open_door`` lets workers come from other
    machines, too.
    """

    def __init__(self, act_of: Callable[[Message], Act]) -> None:
        self._act_of = act_of
        with ExitStack() as leaving:
            # A socket's path must be short, wherever reports go.
            self.folder = leaving.enter_context(owned("storm-"))
            self.where = str(self.folder / "meet")
            leaving.callback(MeetingPoint(unix(self.folder / "meet"), self._meet).close)
            self._leaving = leaving.pop_all()

    def open_door(self, host: str, port: int = 0) -> Door:
        """Listen on an address of this machine; return how workers elsewhere find it. Raises OSError."""
        listening, door = opened(host, port)
        self._leaving.callback(MeetingPoint(listening, guarded(door, self._meet)).close)
        return door

    def _meet(self, connection: socket.socket) -> None:
        line = ConnectionEnd(connection)
        try:
            while (message := line.hear(START_LIMIT_S)) and "time" in message:
                line.say({"time": now()})
            if message:
                self._act_of(message).attend(message["arrived"], line, message.get("clock"))
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
