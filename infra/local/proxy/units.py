"""What PostgreSQL still has to answer: one unit for each Query or Sync, one reply for each command in it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from infra.local.dialect import Statement
from infra.local.proxy.plan import Plan


@dataclass(slots=True)
class Reply:
    """The answer to one command: ``1`` Parse, ``2`` Bind, ``3`` Close, ``T`` Describe, ``C`` a statement's run."""

    kind: str
    plan: Plan
    hidden: bool = False


@dataclass(slots=True)
class Unit:
    """The answers up to the next ReadyForQuery.

    ``starts`` are the places in the text sent where the client's statements begin, for the positions of errors.
    An ``internal`` unit is the proxy's own: its rows go to the callback, nothing to the client. Of a ``deaf`` one the
    client hears nothing but the end of its connection. A ``plain`` one is relayed as it comes. An ``implicit``
    one writes without a transaction block: what was reported as done may yet fail to commit.
    """

    simple: bool
    replies: deque[Reply] = field(default_factory=deque)
    starts: list[tuple[int, Statement]] = field(default_factory=list)
    internal: Callable[[list[list[str | None]]], None] | None = None
    rows: list[list[str | None]] = field(default_factory=list)
    failed: bool = False
    committed: bool = False
    rolled_back: bool = False
    implicit: bool = False
    deaf: bool = False
    plain: bool = True

    def expect(self, kind: str, plan: Plan, *, hidden: bool = False) -> None:
        """Expect the answer to one more command."""
        if hidden or plan.changes_answer:
            self.plain = False
            self.replies.append(Reply(kind, plan, hidden))
        else:
            self.replies.append(_RELAYED[kind])

    def position(self, sent: int) -> int:
        """Where character ``sent`` of the text sent stood in the client's text; 0 where it did not."""
        for start, statement in reversed(self.starts):
            if sent > start:
                return statement.position_in_message(sent - start)
        return 0


_RELAYED: Final = {kind: Reply(kind, Plan("")) for kind in "123TC"}
