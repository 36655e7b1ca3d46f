"""How a routine that is about to EXECUTE a text learns what to run in its place.

PostgreSQL asks by a notice, which leaves at once, and the answer has to come in the middle of a statement. So it comes
as a file in the server's own folder, one a session, which the engine reads.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = "occ_mail"


@dataclass(frozen=True, slots=True)
class Question:
    """A text that is about to be run, with the search path in force; ``number`` is what the answer has to bear."""

    number: str
    text: str
    search_path: tuple[str, ...]


class Mailbox:
    """The answers for the sessions of one server, whose data is in ``data``."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER
        self._folder.mkdir(mode=0o755, exist_ok=True)

    def answer(self, pid: int, question: Question, sql: str, guard: str | None) -> None:
        """Let a session find what to run, and the call that tells the rules of it."""
        letter = self._folder / f"{pid}.new"
        letter.write_text(json.dumps({"n": question.number, "sql": sql, "guard": guard}))
        letter.chmod(0o644)
        letter.replace(self._folder / str(pid))

    def close(self, pid: int) -> None:
        """Take away what was meant for a session that has ended."""
        (self._folder / str(pid)).unlink(missing_ok=True)
