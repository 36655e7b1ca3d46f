"""One page over all storms of a run: what each was, what came of it, side by side."""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_dsql.storm.record.statistics import Statistics
from pytest_dsql.storm.report import page, skeleton
from pytest_dsql.storm.report.text import part_of

INDEX: Final = "index.html"


@dataclass(frozen=True, slots=True)
class Entry:
    """A storm that was judged: what it was and where, its verdict in a line, its figures, its report's folder."""

    title: str
    target: str
    headline: str
    passed: bool
    statistics: Statistics
    folder: Path


def write(folder: Path, entries: Sequence[Entry]) -> Path:
    """Write ``index.html`` into a folder, above those of the entries; return where it is."""
    failed = sum(not entry.passed for entry in entries)
    plural = "s" if len(entries) != 1 else ""
    path = folder / INDEX
    title = f"FAIL  {failed} of {len(entries)} storm{plural}" if failed else f"PASS  {len(entries)} storm{plural}"
    where = html.escape(", ".join(sorted({entry.target for entry in entries})))
    remarks = f"<p>{where}: the storms of one run, in the order in which they were played.</p>"
    cards = "\n".join(_card(folder, entry) for entry in entries)
    content = skeleton.page(title, remarks, f'<div class="storms">\n{cards}\n</div>', passed=not failed)
    path.write_text(content, encoding="utf-8")
    return path


def _card(folder: Path, entry: Entry) -> str:
    link = html.escape((entry.folder.relative_to(folder) / page.PAGE).as_posix())
    rows = "".join(f"<dt>{html.escape(label)}</dt><dd>{html.escape(value)}</dd>" for label, value in _rows(entry))
    heading = f'<h2><a href="{link}">{html.escape(entry.title)}</a></h2>'
    kind = "pass" if entry.passed else "fail"
    return f'<section class="{kind}">{heading}<p>{html.escape(entry.headline)}</p><dl>{rows}</dl></section>'


def _rows(entry: Entry) -> Iterator[tuple[str, str]]:
    figures = entry.statistics
    yield "Committed", part_of(figures.committed, figures.calls)
    yield "Refused", part_of(figures.refused, figures.calls)
    yield "Unknown", part_of(figures.unknown, figures.calls)
    yield "Met a conflict", part_of(figures.conflicts, figures.calls)
    yield "Retries, at most", f"{figures.retries_total:,}, {figures.retries_max:,} of one call"
    yield "Calls per second", f"{figures.achieved_rate:,.0f}"
    yield "Function's p50 / p99", page.halves(figures.function_ms)
    yield "Caller's p50 / p99", page.halves(figures.caller_ms)
