from pathlib import Path

from pytest_dsql.storm.record.statistics import measure
from pytest_dsql.storm.report import index
from tests.unit.storm.bank import busy


def overview(folder: Path, **passed: bool) -> str:
    figures = measure(busy().history())
    entries = [
        index.Entry(f"<{name}>", "local stand-in", "in a line", good, figures, folder / name)
        for name, good in passed.items()
    ]
    return index.write(folder, entries).read_text(encoding="utf-8")


def test_storms_stand_side_by_side_in_their_order(tmp_path: Path) -> None:
    text = overview(tmp_path, without=True, with_retry=True)
    assert "<h1>PASS  2 storms</h1>" in text
    assert text.index('href="without/report.html"') < text.index('href="with_retry/report.html"')
    assert text.count("<dt>Met a conflict</dt><dd>13 (6.50%)</dd>") == 2
    assert "&lt;without&gt;" in text


def test_one_that_failed_opens_it(tmp_path: Path) -> None:
    text = overview(tmp_path, good=True, bad=False)
    assert "<h1>FAIL  1 of 2 storms</h1>" in text
    assert text.count('<section class="fail">') == 1
