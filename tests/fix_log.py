"""The log is clean: what is logged at a warning or above, or what a stand-in says on stderr, fails the test.

Where it cannot be told whose it is, because several workers share the run's stand-in, it fails the run.
"""

import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import pytest

from tests.fix_run import is_worker, tell, told, workers

ALLOWED: Final[tuple[str, ...]] = (
    # A notice for whoever makes a stream, not a complaint.
    r"arn:aws:dsql:\S+/stream/\w+ is kept and described; no record flows through it on the stand-in\.",
)
"""What may be said, each with the reason; regular expressions, for a whole line.

A test that has something said on purpose looks at it: ``heard.new()``.
"""

UNCLEAN: Final = "the log is not clean"
_said = pytest.StashKey["Words"]()
_logged = pytest.StashKey["Logged"]()
_KEY: Final = "log-of-the-stand-in"


def complaints(text: str) -> list[str]:
    """Return the lines that nobody has allowed."""
    return [line for line in text.splitlines() if line.strip() and not any(re.fullmatch(p, line) for p in ALLOWED)]


@dataclass
class Words:
    """What a process says into a file, as far as it has been read."""

    path: Path
    read: int = 0

    def new(self) -> list[str]:
        """Return the complaints that have come since the last look."""
        with self.path.open("rb") as file:
            file.seek(self.read)
            said = file.read()
        self.read += len(said)
        return complaints(said.decode(errors="replace"))


class Logged(logging.Handler):
    """What is logged in this process."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.lines += complaints(f"{record.levelname} {record.name}: {self.format(record)}")

    def new(self) -> list[str]:
        """Return what has come since the last look."""
        lines, self.lines = self.lines, []
        return lines


def pytest_configure(config: pytest.Config) -> None:
    handler = config.stash[_logged] = Logged()
    logging.getLogger().addHandler(handler)
    config.add_cleanup(lambda: logging.getLogger().removeHandler(handler))


def stderr_of_the_run(config: pytest.Config) -> BinaryIO:
    """Return where the run's stand-in is to say what it has to say; it is looked at from then on."""
    descriptor, name = tempfile.mkstemp(prefix="dsql-log-")
    os.close(descriptor)
    config.stash[_said] = Words(Path(name))
    # It runs when the stand-in has ended, which is started later.
    config.add_cleanup(lambda: _ended(config.stash[_said]))
    tell(config, _KEY, name)
    return Path(name).open("wb")


def _ended(words: Words) -> None:
    """End the run where a stand-in complained when it ended."""
    lines = words.new()
    words.path.unlink()
    if lines:
        sys.exit("\n  ".join([UNCLEAN, *lines]))


@dataclass
class Heard(Words):
    """What the stand-ins of a test say, whose stderr is ``file``; what the test has not looked at fails it."""

    file: BinaryIO = field(kw_only=True)


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    """What the stand-ins say that the test starts."""
    path = tmp_path / "stderr"
    with path.open("wb") as file:
        words = Heard(path, file=file)
        yield words
    _fail(words.new())


def _fail(lines: list[str]) -> None:
    if lines:
        pytest.fail("\n  ".join([UNCLEAN, *lines]), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Any:
    """Fail a test that has left something in the log."""
    result = yield
    lines = item.config.stash[_logged].new()
    if (words := _own_words(item.config)) is not None:
        lines += words.new()
    _fail(lines)
    return result


def _own_words(config: pytest.Config) -> Words | None:
    """Return what the run's stand-in says, where no other worker can have had it say so."""
    if workers(config) > 1:
        return None
    if _said not in config.stash and (path := told(config, _KEY)):
        config.stash[_said] = Words(Path(path))
    return config.stash.get(_said, None)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run whose stand-in has said something that was no test's own."""
    config = session.config
    words = None if is_worker(config) else config.stash.get(_said, None)
    if words is not None and (lines := words.new()):
        print("\n  ".join([f"\n{UNCLEAN}", *lines]), file=sys.stderr)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
