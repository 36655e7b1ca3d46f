import csv
import io
import json
import re
from dataclasses import replace

import pytest

from pytest_dsql.storm.record.model import History
from pytest_dsql.storm.record.statistics import measure
from pytest_dsql.storm.record.verdict import Finding, Verdict
from pytest_dsql.storm.report import export
from pytest_dsql.storm.report import text as report
from pytest_dsql.storm.report.text import Progress
from tests.unit.storm.bank import REFUSED, TIMED_OUT, Bank, busy

BAD = Verdict(
    (Finding("conservation", "10 made of nothing " * 20), Finding("starved", "one")), {3: True, 4: False}, (5,)
)


def written(history: History, verdict: Verdict | None = None) -> str:
    return report.text(history, measure(history), verdict or Verdict())


def test_the_verdict_comes_first() -> None:
    history = busy().history()
    assert written(history).startswith("PASS  200 calls on the local stand-in, and not a cent lost\n")
    text = written(history, BAD)
    assert text.startswith("FAIL  200 calls on the local stand-in, 2 findings\n  conservation: 10 made of")
    assert "by the balances 1 were made, 1 were not, 1 cannot" in text
    assert "  starved: one\n" in text


def test_the_walkthroughs_block() -> None:
    bank = busy(97)
    bank.note(1, 2, retries=4, **REFUSED)
    bank.note(1, 2, retries=1, **REFUSED)
    bank.note(1, 2, **TIMED_OUT)
    text = written(bank.history())
    block = text[text.index("STATS (local") :]
    for line in (
        "Total calls:        100",
        "Successful:         97 (97.00%)",
        "Errors:             3 (3.00%)",
        "  Refused:          2 (2.00%)",
        "Throughput:         99 calls/second",
        "Lambda Execution Times (local stand-in):",
        "  Min:              15.00ms",
        "Error Breakdown (local stand-in):",
        "  lost (OC000) (40001): 2",
        "  Task timed out (Sandbox.Timedout): 1",
        "OCC Retry Statistics (local stand-in):",
        "  Max retries:                4",
    ):
        assert f"{line}\n" in block


def test_what_losing_cost_and_by_which_name_it_was_told() -> None:
    bank = busy(20)
    bank.note(1, 2, retries=4, balance=1, duration_ms=90.0)
    history = bank.history()
    counted = replace(history, facts=replace(history.facts, conflicts={"OC001": 1, "OC000": 1_300}))
    assert "Told 40001" not in written(history)
    text = written(counted)
    assert "  Told 40001:                 OC000 1,300 times, OC001 1 times, as seen at the wire\n" in text
    assert re.search(r"the function's duration +15\.0 .* 90\.0\n +the same, with retries +\d", text)


def test_it_fits_80_columns_and_names_the_target() -> None:
    history = busy().history()
    facts = replace(
        history.facts, configuration={"target": "aws", "versions": {f"package-{n}": "1.2.3" for n in range(9)}}
    )
    text = written(replace(history, facts=facts), BAD)
    assert max(map(len, text.splitlines())) <= 80
    headings = [line for line in text.splitlines() if line.endswith("):")]
    assert len(headings) >= 5
    assert all("(aws)" in heading for heading in headings)


def test_a_storm_of_nothing_has_a_report() -> None:
    assert "Total calls:        0\n" in written(Bank().history())


@pytest.mark.parametrize("done", [0, 9_876, 98_765, 987_654])
def test_the_live_line_fits_100_columns(done: int) -> None:
    outcomes = (done - done // 10, done // 20, done // 20)
    line = report.live_line(Progress(done, 10**6, 931, *outcomes, done // 10, 25, 999, (10**6 - done) / 931))
    assert len(line) <= 100
    assert line.endswith(" s left")


def test_the_live_line_in_full() -> None:
    line = report.live_line(Progress(5_000, 10_000, 931.4, 4_998, 1, 1, 367, 19.3, 555, 5.4))
    assert line == ("5000/10k  931/s  4998 ok  1 refused  1 unknown  367 retries  p50/p99 19/555 ms  5 s left")


def test_json_has_its_schema_and_all_figures() -> None:
    history = busy().history()
    told = json.loads(export.as_json(history, measure(history), BAD))
    assert (told["schema"], told["target"], told["passed"]) == (1, "local stand-in", False)
    assert told["findings"][1] == {"name": "starved", "text": "one"}
    assert told["unknown_outcomes"] == {"made": [3], "not_made": [4], "ambiguous": [5]}
    assert told["statistics"]["committed"] == 200
    assert told["statistics"]["caller_ms"]["p99"] == pytest.approx(20)
    assert told["configuration"]["seed"] == 1
    assert len(told["seconds"]) == 3


def test_csv_has_a_row_per_second() -> None:
    history = busy().history()
    rows = list(csv.DictReader(io.StringIO(export.as_csv(measure(history)))))
    assert [row["second"] for row in rows] == ["0", "1", "2"]
    assert sum(int(row["committed"]) for row in rows) == 200
    assert rows[0]["p99_ms"] == "20.0"
