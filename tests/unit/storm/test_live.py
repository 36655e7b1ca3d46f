import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from pytest_dsql.storm.run import screen as shown
from pytest_dsql.storm.run.screen import Screen

Open = Callable[[Callable[[], tuple[int, int]]], tuple[int, int]]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Open a pair of descriptors, to read from and to write to, until the test ends."""
    with ExitStack() as stack:

        def opened(pair: Callable[[], tuple[int, int]]) -> tuple[int, int]:
            ends = pair()
            for end in ends:
                stack.callback(os.close, end)
            return ends

        yield opened


def test_a_terminal_has_one_line_that_is_overwritten(opened: Open) -> None:
    reading, writing = opened(os.openpty)
    for line in ("first", "second"):
        Screen(writing).show(line)
    expected = f"\r{'first':<100}\r\r{'second':<100}\r"
    shown = ""
    # A terminal hands over what it has by now, which may be less than what was written.
    while len(shown) < len(expected):
        shown += os.read(reading, 1_000).decode()
    assert shown == expected


def test_a_pipe_has_a_line_now_and_then(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = opened(os.pipe)
    screen = Screen(writing)
    for line in ("first", "too soon"):
        screen.show(line)
    monkeypatch.setattr(shown, "LIVE_LINES_S", 0.0)
    screen.show("later")
    assert os.read(reading, 1_000).decode() == "first\nlater\n"


def test_each_storm_has_its_name_and_its_first_line(opened: Open) -> None:
    reading, writing = opened(os.pipe)
    screen = Screen(writing)
    for title in ("one", "another"):
        screen.begin(title)
        screen.show("first")
    assert os.read(reading, 1_000).decode() == "\nstorm: one\nfirst\n\nstorm: another\nfirst\n"
