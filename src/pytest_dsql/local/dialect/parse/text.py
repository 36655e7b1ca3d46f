"""A message's text by token and position, and the edits to be made in it."""

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from pytest_dsql.local.dialect.parse.parser import Token, scan

COMMENTS = frozenset({"SQL_COMMENT", "C_COMMENT"})
OPEN = frozenset({"ASCII_40", "ASCII_91"})
CLOSE = frozenset({"ASCII_41", "ASCII_93"})
COMMA, DOT, SEMICOLON = "ASCII_44", "ASCII_46", "ASCII_59"


class Source:
    """The text that was parsed, with its tokens on demand. Positions count characters from 0."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def tokens(self) -> list[Token]:
        """All tokens but comments."""
        return [token for token in scan(self.text) if token.name not in COMMENTS]

    @cached_property
    def starts(self) -> list[int]:
        """Where each token starts."""
        return [token.start for token in self.tokens]

    def index(self, position: int) -> int:
        """The index of the first token at or behind a position."""
        return bisect_left(self.starts, position)

    def name(self, index: int) -> str:
        """The token's name, empty outside the text."""
        return self.tokens[index].name if 0 <= index < len(self.tokens) else ""

    def raw(self, index: int) -> str:
        """The token as written, empty outside the text."""
        if not 0 <= index < len(self.tokens):
            return ""
        token = self.tokens[index]
        return self.text[token.start : token.end + 1]

    def start(self, index: int) -> int:
        """Where a token starts; the end of the text behind the last one."""
        return self.tokens[index].start if index < len(self.tokens) else len(self.text)

    def end(self, index: int) -> int:
        """The position behind a token."""
        return self.tokens[index].end + 1

    def skip_group(self, index: int) -> int:
        """From an opening bracket to the index behind its closing one."""
        depth = 0
        while index < len(self.tokens):
            depth += (self.name(index) in OPEN) - (self.name(index) in CLOSE)
            index += 1
            if depth == 0:
                break
        return index

    def step(self, index: int) -> int:
        """The next index at the same depth."""
        return self.skip_group(index) if self.name(index) in OPEN else index + 1

    def find(self, index: int, limit: int, *names: str) -> int:
        """The first token of these names from `index` on at the same depth, or `limit`."""
        while index < limit and self.name(index) not in CLOSE:
            if self.name(index) in names:
                return index
            index = self.step(index)
        return limit

    def split(self, index: int, limit: int) -> list[tuple[int, int]]:
        """Token ranges between the commas of one depth."""
        commas = [index - 1]
        at = index
        while at < limit:
            if self.name(at) == COMMA:
                commas.append(at)
            at = self.step(at)
        return [(left + 1, right) for left, right in pairwise([*commas, limit])]


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace text[start:end]."""

    start: int
    end: int
    text: str


class Edits:
    """Non-overlapping replacements, collected in any order."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.edits: list[Edit] = []

    def replace(self, start: int, end: int, text: str) -> None:
        """Put `text` in place of a range."""
        self.edits.append(Edit(start, end, text))

    def insert(self, position: int, text: str) -> None:
        """Put `text` in front of a position."""
        self.edits.append(Edit(position, position, text))

    def enclose(self, start: int, end: int, text: str) -> None:
        """Replace a range together with the edits already made in it."""
        self.edits = [edit for edit in self.edits if edit.end <= start or edit.start >= end]
        self.replace(start, end, text)

    def within(self, start: int, end: int) -> list[Edit]:
        """The edits of a range, in order of position."""
        inside = [edit for edit in self.edits if start <= edit.start and edit.end <= end]
        return sorted(inside, key=lambda edit: (edit.start, edit.end))

    def render(self, start: int, end: int) -> str:
        """A range of the text with its edits made."""
        parts, at = [], start
        for edit in self.within(start, end):
            parts += [self.text[at : edit.start], edit.text]
            at = edit.end
        return "".join([*parts, self.text[at:end]])


def quote(name: str) -> str:
    """An identifier as SQL, always quoted, so that no keyword list is needed."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A string constant that survives either setting of standard_conforming_strings."""
    body = value.replace("'", "''")
    return "E'" + body.replace("\\", "\\\\") + "'" if "\\" in value else f"'{body}'"
