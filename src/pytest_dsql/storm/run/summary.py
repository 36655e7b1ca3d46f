"""What a run says of its storms at its end, and the pages that it leaves."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_dsql.storm.report import index, page
from pytest_dsql.storm.report import text as report
from pytest_dsql.storm.run.conductor import Result


def sections(results: Sequence[Result]) -> Iterator[tuple[str, str]]:
    """Yield each storm's title and its report as text."""
    for result in results:
        yield result.scenario.title, report.text(result.history, result.statistics, result.verdict)


def pages(results: Sequence[Result], folder: Path) -> Iterator[str]:
    """Write each storm's page, and in ``folder`` one of all; yield a line on each."""
    entries = []
    for result in results:
        history, statistics = result.history, result.statistics
        target, title = history.facts.target, result.scenario.title
        headline = report.headline(target, statistics, result.verdict)
        entries.append(index.Entry(title, target, headline, result.verdict.passed, statistics, result.folder))
        page.write(result.folder, history, statistics, result.verdict)
        yield f"report: {result.folder / page.PAGE}"
    if entries:
        yield f"all storms of this run: {index.write(folder, entries)}"
