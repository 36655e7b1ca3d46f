"""The report of a storm as one page for a browser: nothing is fetched, a phone shows it too."""

import html
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_dsql.storm.record.common import History as Drawn
from pytest_dsql.storm.record.model import History
from pytest_dsql.storm.record.statistics import Spread, Statistics, share
from pytest_dsql.storm.record.verdict import Verdict
from pytest_dsql.storm.report import export, plots, skeleton
from pytest_dsql.storm.report import text as report

JSON: Final = "report.json"
CSV: Final = "seconds.csv"
PAGE: Final = "report.html"

_BODY: Final = """<dl class="figures">
{figures}
</dl>
<div class="plots">
{plots}
</div>
<details open>
<summary>The report as text</summary>
<section><pre>{text}</pre></section>
</details>"""


def write(folder: Path, history: History, statistics: Statistics, verdict: Verdict) -> None:
    """Write ``report.json``, ``seconds.csv`` and ``report.html`` into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (
        (JSON, export.as_json(history, statistics, verdict)),
        (CSV, export.as_csv(statistics)),
        (PAGE, page(history, statistics, verdict)),
    ):
        (folder / name).write_text(content, encoding="utf-8")


def page(history: History, statistics: Statistics, verdict: Verdict) -> str:
    """Return the page: the verdict, the main figures, the plots, the report as text."""
    facts = history.facts
    seed = facts.configuration.get("seed", "not told")
    words = Words(
        report.headline(facts.target, statistics, verdict),
        f"{facts.started}, seed {seed}",
        report.unknown_note(verdict),
        report.text(history, statistics, verdict),
    )
    return drawn(words, history, statistics, verdict)


@dataclass(frozen=True, slots=True)
class Words:
    """What a page says of a storm: its verdict in a line, which one it was, a note where there is one, and all."""

    headline: str
    which: str
    note: str | None
    text: str


def drawn(words: Words, history: Drawn, statistics: Statistics, verdict: Verdict) -> str:
    """Return the page of any storm."""
    target = history.facts.target
    body = _BODY.format(
        figures="\n".join(_figures(target, statistics)),
        plots="\n".join(figure(plot, target) for plot in plots.draw(history, statistics)),
        text=html.escape(words.text),
    )
    return skeleton.page(words.headline, _remarks(words, verdict), body, passed=verdict.passed)


def figure(plot: plots.Plot, target: str) -> str:
    """Return a plot with its heading and its caption."""
    heading = f"<h2>{html.escape(plot.title)} <small>{html.escape(target)}</small></h2>"
    return f"<figure>{heading}\n{plot.svg}\n<figcaption>{html.escape(plot.caption)}</figcaption></figure>"


def _remarks(words: Words, verdict: Verdict) -> str:
    items = [f"<b>{html.escape(f.name)}</b>: {html.escape(f.text)}" for f in verdict.findings]
    if words.note:
        items.append(html.escape(words.note))
    when = f"<p>{html.escape(words.which)}</p>"
    return when + ("<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>" if items else "")


def _figures(target: str, figures: Statistics) -> Iterable[str]:
    offered = "all at once" if figures.offered_rate is None else f"{figures.offered_rate:,.0f} offered"
    rows = (
        ("Committed", f"{figures.committed:,}", f"{share(figures.committed, figures.calls):.2%}"),
        ("Refused", f"{figures.refused:,}", f"{share(figures.refused, figures.calls):.2%}"),
        ("Unknown", f"{figures.unknown:,}", f"{share(figures.unknown, figures.calls):.2%}"),
        ("Calls per second", f"{figures.achieved_rate:,.0f}", offered),
        ("Function's p50 / p99", halves(figures.function_ms), "its own duration"),
        ("Caller's p50 / p99", halves(figures.caller_ms), "since due"),
        ("Met a conflict", f"{share(figures.conflicts, figures.calls):.2%}", f"{figures.conflicts:,} calls"),
        ("Retries", f"{figures.retries_total:,}", f"at most {figures.retries_max:,} of one call"),
    )
    for label, value, note in rows:
        notes = "".join(f"<small>{html.escape(text)}</small>" for text in (note, target))
        yield f"<div><dt>{html.escape(label)}</dt><dd>{html.escape(value)}{notes}</dd></div>"


def halves(spread: Spread | None) -> str:
    """Return the median and the 99th percentile, in words where there are none."""
    return f"{spread.p50:,.0f} / {spread.p99:,.0f} ms" if spread else "not told"
