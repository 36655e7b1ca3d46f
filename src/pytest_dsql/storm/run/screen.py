"""Where a person watches a storm: one line that is overwritten on a terminal, a line now and then elsewhere."""

import os
import time
from typing import Final

LIVE_LINES_S: Final = 5.0
"""How often a line of progress is printed where there is no terminal to overwrite one."""


class Screen:
    """Shows progress on a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._shown = descriptor, 0.0

    def begin(self, title: str) -> None:
        """Say which storm begins, on a line that stays; the one before it may not have ended."""
        self._write(f"\nstorm: {title}\n")
        self._shown = 0.0

    def show(self, line: str) -> None:
        """Show how far it is."""
        if os.isatty(self._descriptor):
            self._write(f"\r{line:<100}\r")
        elif time.monotonic() - self._shown >= LIVE_LINES_S:
            self._shown = time.monotonic()
            self._write(f"{line}\n")

    def _write(self, text: str) -> None:
        os.write(self._descriptor, text.encode())
