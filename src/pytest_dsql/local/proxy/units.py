"""What PostgreSQL still has to answer: one unit for each Query or Sync, one reply for each command in it."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from pytest_dsql.local.dialect import Statement, facts
from pytest_dsql.local.proxy.plan import Plan


@dataclass(slots=True)
class Reply:
    """The answer to one command: a Parse, a Bind, a Close, a Describe, or a statement's run."""

    plan: Plan
    hidden: bool = False


@dataclass(slots=True)
class Unit:
    """The answers up to the next ReadyForQuery.

    ``starts`` are the places in the text sent where the client's statements begin, for the positions of errors.
    ``error`` is the SQLSTATE of what failed, ``conflict`` OC000 or OC001 where it is one. An ``internal`` unit is the
    proxy's own: its rows go to the callback, nothing to the client. Of a ``deaf`` one the client hears nothing but the
    end of its connection. An ``implicit`` one writes without a transaction block: what was reported as done may yet
    fail to commit. ``renewed`` are the names of statements that are prepared again in it, ``kept`` is what an answer
    will be made of besides. A ``plain`` one is none of these, and is relayed as it comes, but for a ``trailer`` that is
    not for the client.
    """

    simple: bool
    replies: deque[Reply] = field(default_factory=deque)
    starts: Sequence[tuple[int, Statement]] = ()
    internal: Callable[[list[list[str | None]]], None] | None = None
    rows: list[list[str | None]] = field(default_factory=list)
    error: str = ""
    conflict: str = ""
    committed: bool = False
    rolled_back: bool = False
    implicit: bool = False
    deaf: bool = False
    renewed: list[bytes] = field(default_factory=list)
    trailer: bytes = b""
    kept: str | None = None
    plain: bool = True

    @property
    def failed(self) -> bool:
        """Whether PostgreSQL has answered with an error."""
        return bool(self.error)

    @property
    def outcome(self) -> str:
        """What became of the transaction, where the unit has ended it by COMMIT."""
        if self.deaf:
            return "cut"
        if self.error:
            return "lost" if self.error == facts.DATA_CONFLICT.sqlstate else "failed"
        return "failed" if self.rolled_back else "committed"

    def expect(self, plan: Plan, *, hidden: bool = False) -> None:
        """Expect the answer to one more command."""
        if hidden or plan.changes_answer:
            self.plain = False
            self.replies.append(Reply(plan, hidden))
        else:
            self.replies.append(_RELAYED)

    def expect_snapshot(self, trailer: bytes, *commands: Plan) -> None:
        """Expect the answer to what takes a snapshot, which a plain answer ends with."""
        plain = self.plain
        for command in commands:
            self.expect(command, hidden=True)
        self.plain, self.trailer = plain, trailer

    def position(self, sent: int) -> int:
        """Where character ``sent`` of the text sent stood in the client's text; 0 where it did not."""
        for start, statement in reversed(self.starts):
            if sent > start:
                return statement.position_in_message(sent - start)
        return 0


_RELAYED: Final = Reply(Plan(""))
_RUN: Final = (_RELAYED,) * 3


def relayed_runs(count: int) -> Unit:
    """The unit of prepared statements' runs, Bind, Describe and Execute each, whose answer is relayed as it is."""
    return Unit(simple=False, replies=deque(_RUN * count))
