"""Statements held at the wire: let through one at a time, by who goes through every order of them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any


@dataclass
class Held:
    """A statement of a session's that is held, or was, and what it was answered since: as far as anybody shows it.

    ``more`` says that there were more ``rows`` than these, ``tag`` is the command's, ``gone`` that its connection is.
    """

    session: int
    text: str
    parameters: list[str | None]
    pass_on: Callable[[], None]
    rows: list[list[str | None]] = field(default_factory=list)
    more: bool = False
    tag: str = ""
    error: dict[str, str] | None = None
    gone: bool = False

    @property
    def question(self) -> dict[str, Any]:
        """What was sent."""
        return {"session": self.session, "text": self.text, "parameters": self.parameters}

    @property
    def answer(self) -> dict[str, Any]:
        """What it was answered."""
        return {"rows": self.rows, "more": self.more, "tag": self.tag, "error": self.error, "gone": self.gone}


class Hold:
    """The statements of one cluster that are held while it is ``on``.

    Whoever was let through is waited for until his next statement is held, or somebody says that none will come: so
    nobody has to be told apart by his connection.
    """

    def __init__(self) -> None:
        self.on = False
        self.turns = 0
        """How often it was turned on or off: what was let through before a turn is not after it."""
        self._held: dict[int, Held] = {}
        self._numbers = count(1)
        self._came: asyncio.Queue[int | None] = asyncio.Queue()

    def turn(self, *, on: bool) -> None:
        """Hold every statement from now on, or none; those that are held go on."""
        held, self._held, self._came = self._held, {}, asyncio.Queue()
        self.on, self.turns = on, self.turns + 1
        for each in held.values():
            each.pass_on()

    def arrive(self, held: Held) -> int:
        """Take a statement that is held from now on; return its number."""
        number = next(self._numbers)
        self._held[number] = held
        self._came.put_nowait(number)
        return number

    def leave(self, number: int) -> None:
        """Forget a statement whose connection has ended."""
        self._held.pop(number, None)

    def no_more(self) -> None:
        """Learn that who is waited for sends no more statements."""
        self._came.put_nowait(None)

    async def proceed(self, number: int | None, limit_s: float) -> dict[str, Any]:
        """Let a statement through, None for none, and wait for what comes next; tell both.

        ``next`` is a statement that is held, ``ended`` that none will come, ``late`` that nothing came in time. Raises
        ValueError where the statement is held no more, or somebody has sent one without having been waited for.
        """
        gone_on = self._let_through(number) if number is not None else None
        try:
            came, late = await asyncio.wait_for(self._came.get(), limit_s), False
        except TimeoutError:
            came, late = None, True
        held = self._held.get(came) if came is not None else None
        return {
            "next": {"number": came, **held.question} if held else None,
            "ended": came is None and not late,
            "late": late,
            "answer": gone_on.answer if gone_on else None,
        }

    def _let_through(self, number: int) -> Held:
        if not self._came.empty():
            raise ValueError("a statement came out of turn: one who is in order sends one statement at a time")
        held = self._held.pop(number, None)
        if held is None:
            raise ValueError("the connection of a statement has ended while it was held")
        held.pass_on()
        return held
