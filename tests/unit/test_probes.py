"""How an answer is compared with a recorded one: inside a batch as outside of it."""

from typing import Any

import pytest

from tests.fix_probes import ProbeAnswer, differences

ANSWER = ProbeAnswer("ok", "SELECT 2", columns=["id"], rows=[["a1"], ["b"]])
EXPECTED = {"outcome": "ok", "command_tag": "SELECT 2", "sqlstate": None, "message": None, "columns": ["id"]}


def compared(batch: bool, answer: ProbeAnswer = ANSWER, **recorded: Any) -> list[str]:
    """Compare one answer, or two of a batch whose first is this one."""
    expect = {**EXPECTED, "rows": None, **recorded}
    if not batch:
        return differences({"sql": "SELECT", "expect": expect}, [answer])
    first = {name: expect[name] for name in ("command_tag", "columns", "rows", *recorded)}
    last = {**EXPECTED, "rows": None}
    step = {"sql": "SELECT", "expect": {**last, "results": [first, last]}}
    return differences(step, [answer, ANSWER])


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(
    "recorded",
    [
        {"rows": [["a1"], ["b"]]},
        {"rows": None},
        {"row_count": 2},
        {"rows_match": ["^a[0-9]$"]},
        {"rows_match": [None]},
    ],
    ids=str,
)
def test_as_recorded(batch: bool, recorded: dict[str, Any]) -> None:
    assert compared(batch, **recorded) == []


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(
    "recorded",
    [
        {"rows": [["a2"], ["b"]]},
        {"row_count": 1},
        {"rows_match": ["^b"]},
        {"command_tag": "SELECT 1"},
        {"columns": ["other"]},
    ],
    ids=str,
)
def test_otherwise_than_recorded(batch: bool, recorded: dict[str, Any]) -> None:
    assert len(compared(batch, **recorded)) == 1


@pytest.mark.parametrize("batch", [False, True])
def test_a_row_that_is_missing_is_a_difference(batch: bool) -> None:
    assert compared(batch, ProbeAnswer("ok", "SELECT 2", columns=["id"], rows=[]), rows_match=["^a"]) != []


def test_a_batch_has_as_many_answers_as_were_recorded() -> None:
    step = {"sql": "SELECT", "expect": {**EXPECTED, "rows": None, "results": [EXPECTED, EXPECTED]}}
    assert differences(step, [ANSWER]) == ["SELECT: 1 answers, recorded were 2"]
