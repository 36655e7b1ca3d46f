"""What is drawn for one fault."""

import random
import threading
from dataclasses import dataclass
from typing import Final, Self

HOLD_S: Final = (0.02, 0.2)
"""How long what is in force stays so."""
TIMES: Final = (1, 8)
"""How many COMMITs, sign-ins, sessions, functions, callers a fault is for."""


@dataclass(frozen=True)
class Moment:
    """One fault: for how many it is, how long it stays in force, and until when the storm lets it."""

    times: int
    hold_s: float
    chance: random.Random
    over: threading.Event

    @classmethod
    def drawn(cls, chance: random.Random, over: threading.Event) -> Self:
        """Draw one."""
        return cls(chance.randint(*TIMES), chance.uniform(*HOLD_S), chance, over)

    def hold(self) -> None:
        """Wait as long as it is in force."""
        self.over.wait(self.hold_s)
