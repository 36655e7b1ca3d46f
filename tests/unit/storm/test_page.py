import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pytest_dsql.storm.record.statistics import measure
from pytest_dsql.storm.record.verdict import Finding, Verdict
from pytest_dsql.storm.report import page
from tests.unit.storm.bank import Bank, busy


class Page(HTMLParser):
    """The elements of a page, in order; what is not closed or closed twice is an error."""

    VOID = frozenset({"meta", "link", "br", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def values(self, *names: str) -> list[str]:
        return [value or "" for _, attrs in self.elements for name, value in attrs.items() if name in names]


def written(folder: Path, bank: Bank, verdict: Verdict | None = None) -> str:
    history = bank.history()
    page.write(folder / "out", history, measure(history), verdict or Verdict())
    return (folder / "out" / "report.html").read_text(encoding="utf-8")


def test_three_files_are_written(tmp_path: Path) -> None:
    written(tmp_path, busy())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.html", "report.json", "seconds.csv"]


def test_the_page_has_its_plots_and_fetches_nothing(tmp_path: Path) -> None:
    text = written(tmp_path, busy())
    read = Page(text)
    assert len(read.all("svg")) == 6
    assert all("viewbox" in svg and "width" not in svg for svg in read.all("svg"))
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in read.all("meta")
    assert {link for link in read.values("src", "href", "xlink:href") if not link.startswith("#")} == {"data:,"}
    assert "@import" not in text
    assert read.all("script") == []


def test_ids_are_unique_and_every_reference_meets_one(tmp_path: Path) -> None:
    read = Page(written(tmp_path, busy()))
    ids = read.values("id")
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in read.values("xlink:href")} <= set(ids)


def test_the_verdict_comes_first_and_is_escaped(tmp_path: Path) -> None:
    text = written(tmp_path, busy(), Verdict((Finding("starved", "<b>1 & 2</b>"),)))
    assert (
        text.index("FAIL  200 calls") < text.index("<b>starved</b>: &lt;b&gt;1 &amp; 2&lt;/b&gt;") < text.index("<svg")
    )
    assert '<header class="fail">' in text


@pytest.mark.parametrize("calls", [0, 1])
def test_a_storm_of_next_to_nothing_has_a_page(tmp_path: Path, calls: int) -> None:
    assert "PASS" in written(tmp_path, busy(calls))


def test_matplotlib_is_imported_by_the_first_plot() -> None:
    modules = "import pytest_dsql.storm.report.page, pytest_dsql.storm.transfers.checker"
    code = f"import sys; {modules}; sys.exit('matplotlib' in sys.modules)"
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, env={"PYTHONPATH": f"{root}:{root / 'src'}"})
